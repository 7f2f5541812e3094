/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The variables with the token and the base URL. Of several, the first that is set counts. */
export const environmentVariables = {
  token: ["ONA_API_KEY", "GITPOD_API_KEY"],
  baseUrl: ["ONA_BASE_URL", "GITPOD_BASE_URL"],
  allowCleartextToken: "ONA_ALLOW_CLEARTEXT_TOKEN",
} as const;

/**
 * Returns the first of the variables that is set, without whitespace around its value, or undefined.
 * A variable that is empty or whitespace is not set.
 */
export function findVariable(
  names: readonly string[],
  env: Environment,
): { readonly name: string; readonly value: string } | undefined {
  for (const name of names) {
    const value = env[name]?.trim();
    if (value) {
      return { name, value };
    }
  }
  return undefined;
}

/**
 * Returns whether a flag is set by an environment variable: `true` or `1`, `false` or `0`. Returns
 * undefined if the variable is not set or empty.
 *
 * Throws an Error that names the variable for any other value.
 */
export function flagFromVariable(name: string, env: Environment): boolean | undefined {
  const value = env[name]?.trim() ?? "";
  if (!/^(true|false|1|0|)$/i.test(value)) {
    throw new Error(`${name} must be true or false, not ${JSON.stringify(value)}`);
  }
  return value === "" ? undefined : /^(true|1)$/i.test(value);
}
