/** Returns an error that says why the server cannot listen, and what to do. */
export function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const message = describe(error.code, host, port);
  return message === undefined ? error : new Error(message, { cause: error });
}

function describe(code: string | undefined, host: string, port: number): string | undefined {
  switch (code) {
    case "EADDRINUSE":
      return `port ${port} on ${host} is in use; choose another with --port`;
    case "EACCES":
      return `not permitted to listen on port ${port} of ${host}; choose a port above 1023 with --port`;
    case "EADDRNOTAVAIL":
      return `${host} is not an address of this machine; choose one with --host`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `cannot resolve ${host}; choose a host with --host`;
    default:
      return undefined;
  }
}
