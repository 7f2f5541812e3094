import { createServer } from "node:http";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { answerQuestions } from "../answer-questions.ts";
import { connectRoutes } from "./connect-routes.ts";
import { listen } from "./listen.ts";

// connect-node as it comes.
answerQuestions(async () =>
  listen(createServer(connectNodeAdapter({ routes: await connectRoutes() }))),
);
