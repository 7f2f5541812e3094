import { join } from "node:path";
import {
  type ClientUnaryCall,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { sampleId, token } from "../sample.ts";
import type { Connect } from "./call.ts";

type GetRunner = (
  request: { runnerId: string },
  metadata: Metadata,
  callback: (error: ServiceError | null, response?: { runner: { name: string } }) => void,
) => ClientUnaryCall;

/** Calls with grpc-js and the codec that its documentation uses. */
export const connect: Connect = (port) => {
  const root = join(import.meta.dirname, "../..");
  const definition = loadSync("gitpod/v1/runner_service.proto", {
    includeDirs: [join(root, "proto"), join(root, "third_party")],
  });
  const { v1 } = loadPackageDefinition(definition).gitpod as GrpcObject;
  const RunnerService = (v1 as GrpcObject).RunnerService as ServiceClientConstructor;
  const client = new RunnerService(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.enable_http_proxy": 0,
  });
  const getRunner = (client.getRunner as GetRunner).bind(client);
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  return () =>
    new Promise((resolve, reject) =>
      getRunner({ runnerId: sampleId }, metadata, (error, response) =>
        error === null ? resolve(response?.runner.name) : reject(error),
      ),
    );
};
