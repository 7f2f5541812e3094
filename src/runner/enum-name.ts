import type { DescEnum, EnumShape, Message } from "@bufbuild/protobuf";
import { suggestName } from "./nearest-name.ts";
import { unknownJson } from "./runner-json.ts";

/**
 * Returns the short, human-readable name of an enum value: `warm-pool` for
 * `RUNNER_CAPABILITY_WARM_POOL`.
 *
 * Returns the number for a value that this version of the contract does not define. {@link
 * enumValueFromName} parses both forms.
 */
export function enumShortName(schema: DescEnum, value: number): string {
  return schema.value[value]?.localName.toLowerCase().replaceAll("_", "-") ?? String(value);
}

/**
 * Returns an enum value in Protobuf JSON: its full name, such as `RUNNER_CAPABILITY_WARM_POOL`, or
 * its number if this version of the contract does not define it.
 */
export function enumJson(schema: DescEnum, value: number): string | number {
  return schema.value[value]?.name ?? value;
}

/**
 * Returns the short names of all values of an enum except the unspecified one, in the order of the
 * contract.
 */
export function enumShortNames(schema: DescEnum): string[] {
  return specifiedValues(schema).map(({ number }) => enumShortName(schema, number));
}

/**
 * Returns the enum value with the given name, in any common spelling: `warm-pool`, `warmPool`,
 * `WARM_POOL`, `RUNNER_CAPABILITY_WARM_POOL`. Also accepts the number of a value, even one that
 * this version of the contract does not define.
 *
 * Throws a RangeError for an unknown name. It suggests the nearest name or lists all names.
 * `unspecified` counts as an unknown name.
 */
export function enumValueFromName<Desc extends DescEnum>(
  schema: Desc,
  name: string,
): EnumShape<Desc> {
  const normalized = normalizeName(name);
  const prefix = normalizeName(schema.sharedPrefix ?? "");
  const value = specifiedValues(schema).find(({ localName }) => {
    const valueName = normalizeName(localName);
    return normalized === valueName || normalized === prefix + valueName;
  });
  if (value !== undefined) {
    return value.number as EnumShape<Desc>;
  }
  if (/^[1-9]\d{0,8}$/.test(name)) {
    return Number(name) as EnumShape<Desc>;
  }
  const shortName = normalized.startsWith(prefix) ? normalized.slice(prefix.length) : name;
  const suggestion = suggestName(shortName, enumShortNames(schema));
  throw new RangeError(`unknown ${schema.name} ${JSON.stringify(name)}; ${suggestion}`);
}

/**
 * Returns the names of enum values that a field had in JSON and that this version of the contract
 * does not define. The message cannot hold them: a singular field is unset, and a list lacks them.
 * See {@link unknownJson}.
 */
export function unknownEnumNames(message: Message | undefined, jsonName: string): string[] {
  const names = message && unknownJson(message)?.enumNames;
  return (names ?? []).filter(({ path }) => path === jsonName).map(({ name }) => name);
}

/** Returns all values except 0, which means "unspecified" in a proto3 enum. */
function specifiedValues(schema: DescEnum) {
  return schema.values.filter(({ number }) => number !== 0);
}

function normalizeName(name: string): string {
  return name.toLowerCase().replace(/[-_\s]+/g, "");
}
