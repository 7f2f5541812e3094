import { createServer } from "node:http";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { handleRequests } from "../control-channel.ts";
import { createConnectRoutes } from "./connect-routes.ts";
import { listen } from "./listen.ts";

// connect-node with its default options.
handleRequests(async () =>
  listen(createServer(connectNodeAdapter({ routes: await createConnectRoutes() }))),
);
