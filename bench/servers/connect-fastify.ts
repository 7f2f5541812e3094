import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import { fastify } from "fastify";
import { answerQuestions } from "../answer-questions.ts";
import { connectRoutes } from "./connect-routes.ts";

// connect-fastify as it comes.
answerQuestions(async () => {
  const server = fastify();
  await server.register(fastifyConnectPlugin, { routes: await connectRoutes() });
  return Number(new URL(await server.listen({ port: 0, host: "127.0.0.1" })).port);
});
