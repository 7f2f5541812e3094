import { toBinary } from "@bufbuild/protobuf";
import { type handleUnaryCall, Server, ServerCredentials } from "@grpc/grpc-js";
import { GetRunnerResponseSchema } from "../../gen/gitpod/v1/runner_service_pb.ts";
import { handleRequests } from "../control-channel.ts";
import { expectedResponse } from "../sample.ts";

// grpc-js with its default options, for the grpc-js client. It writes the same bytes every time.
handleRequests(async () => {
  const bytes = Buffer.from(toBinary(GetRunnerResponseSchema, await expectedResponse()));
  const getRunner: handleUnaryCall<Buffer, Buffer> = (_call, callback) => callback(null, bytes);
  const server = new Server();
  server.addService(
    {
      getRunner: {
        path: "/gitpod.v1.RunnerService/GetRunner",
        requestStream: false,
        responseStream: false,
        requestSerialize: (message: Buffer) => message,
        requestDeserialize: (message: Buffer) => message,
        responseSerialize: (message: Buffer) => message,
        responseDeserialize: (message: Buffer) => message,
      },
    },
    { getRunner },
  );
  return await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  );
});
