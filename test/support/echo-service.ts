import { create, createFileRegistry, type DescService } from "@bufbuild/protobuf";
import {
  FileDescriptorSetSchema,
  file_google_protobuf_wrappers,
  type StringValue,
  StringValueSchema,
} from "@bufbuild/protobuf/wkt";
import { type Client, createClient, type Transport } from "@connectrpc/connect";

/** A service that is created at run time, with a method of each kind. */
export const echo = createEchoService();

/** A client of {@link echo}. A service that is created at run time has no generated types. */
export interface EchoClient {
  say(message: Partial<StringValue>): Promise<StringValue>;
  repeat(message: Partial<StringValue>): AsyncIterable<StringValue>;
  collect(messages: AsyncIterable<Partial<StringValue>>): Promise<StringValue>;
  chat(messages: AsyncIterable<Partial<StringValue>>): AsyncIterable<StringValue>;
}

/** Creates a client of {@link echo}. */
export function createEchoClient(transport: Transport): EchoClient {
  return createClient(echo, transport) as Client<DescService> as unknown as EchoClient;
}

function createEchoService(): DescService {
  const type = `.${StringValueSchema.typeName}`;
  const types = { inputType: type, outputType: type };
  const registry = createFileRegistry(
    create(FileDescriptorSetSchema, {
      file: [
        file_google_protobuf_wrappers.proto,
        {
          name: "test/echo.proto",
          package: "test",
          syntax: "proto3",
          dependency: [file_google_protobuf_wrappers.proto.name],
          service: [
            {
              name: "EchoService",
              method: [
                { name: "Say", ...types },
                { name: "Repeat", ...types, serverStreaming: true },
                { name: "Collect", ...types, clientStreaming: true },
                { name: "Chat", ...types, clientStreaming: true, serverStreaming: true },
              ],
            },
          ],
        },
      ],
    }),
  );
  return registry.getService("test.EchoService") as DescService;
}
