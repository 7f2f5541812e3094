import { fastifyConnectPlugin } from "@connectrpc/connect-fastify";
import { fastify } from "fastify";
import { handleRequests } from "../control-channel.ts";
import { createConnectRoutes } from "./connect-routes.ts";

// connect-fastify with its default options.
handleRequests(async () => {
  const server = fastify();
  await server.register(fastifyConnectPlugin, { routes: await createConnectRoutes() });
  return Number(new URL(await server.listen({ port: 0, host: "127.0.0.1" })).port);
});
