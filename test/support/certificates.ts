import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll, onTestFinished } from "vitest";

/** A certificate and its private key, in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate contains. */
export interface CertificateOptions {
  /** For whom it is valid, as in openssl's subjectAltName. Default: `IP:127.0.0.1`. */
  readonly subjectAltName?: string;
  /** The years from whose start to whose start it is valid. Default: 2020 to 2099. */
  readonly years?: readonly [from: number, to: number];
}

/** A certificate authority that no client trusts by default. */
export interface CertificateAuthority extends Certificate {
  issue(options?: CertificateOptions): Certificate;
}

/** Creates a certificate authority with openssl. Call it in a suite: its files are deleted after it. */
export function createCertificateAuthority(): CertificateAuthority {
  const folder = mkdtempSync(join(tmpdir(), "runner-service-ca-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const read = (name: string): Certificate => ({
    cert: readFileSync(join(folder, `${name}.pem`), "utf8"),
    key: readFileSync(join(folder, `${name}.key`), "utf8"),
  });
  openssl(
    ...["req", "-x509", ...newKey, "-subj", "/CN=Test authority", "-days", "36500"],
    ...["-keyout", "ca.key", "-out", "ca.pem"],
  );
  writeFileSync(join(folder, "index.txt"), "");
  writeFileSync(join(folder, "serial"), "01");
  writeFileSync(
    join(folder, "ca.cnf"),
    `[ca]
default_ca = test
[test]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
`,
  );
  let count = 0;
  return {
    ...read("ca"),
    issue({ subjectAltName = "IP:127.0.0.1", years: [from, to] = [2020, 2099] } = {}) {
      const name = `leaf${++count}`;
      openssl(
        ...["req", "-new", ...newKey, "-subj", `/CN=${name}`],
        ...["-addext", `subjectAltName=${subjectAltName}`],
        ...["-keyout", `${name}.key`, "-out", `${name}.csr`],
      );
      openssl(
        ...["ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key"],
        ...["-startdate", `${from}0101000000Z`, "-enddate", `${to}0101000000Z`],
        ...["-notext", "-in", `${name}.csr`, "-out", `${name}.pem`],
      );
      return read(name);
    },
  };
}

/** Makes all clients of this process trust a certificate until the end of the test. */
export function trustCertificate(cert: string): void {
  const before = getCACertificates();
  setDefaultCACertificates([cert]);
  onTestFinished(() => setDefaultCACertificates(before));
}
