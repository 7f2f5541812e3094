import { once } from "node:events";
import type { Http2Server } from "node:http2";
import type { AddressInfo, Server } from "node:net";

/** Listens on a free port and returns it. */
export async function listen(server: Server | Http2Server): Promise<number> {
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}
