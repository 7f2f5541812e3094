import { createPrivateKey, X509Certificate } from "node:crypto";
import { readOptionFile } from "./option-file.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Reads a certificate and its private key from the files of `--tls-cert` and `--tls-key`.
 *
 * Throws a UsageError that names the option if a file is unreadable or not in PEM format, or if the
 * key is not that of the certificate: a server would start, but no client could connect.
 */
export function readTlsFiles(certFile: string, keyFile: string): { cert: string; key: string } {
  const cert = readOptionFile("--tls-cert", certFile);
  const key = readOptionFile("--tls-key", keyFile);
  const certificate = parse(
    () => new X509Certificate(cert),
    `${certFile} of --tls-cert is not a certificate in PEM format`,
  );
  const privateKey = parse(
    () => createPrivateKey(key),
    `${keyFile} of --tls-key is not a private key in PEM format`,
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new UsageError(
      "the private key of --tls-key does not belong to the certificate of --tls-cert",
    );
  }
  return { cert, key };
}

function parse<Value>(parsePem: () => Value, message: string): Value {
  try {
    return parsePem();
  } catch (error) {
    throw new UsageError(`${message}: ${(error as Error).message}`);
  }
}
