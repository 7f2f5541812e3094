import type { DescEnum, EnumShape, Message } from "@bufbuild/protobuf";
import { suggestName } from "./nearest-name.ts";
import { unknownJson } from "./runner-json.ts";

/**
 * Returns the short name of an enum value, for people to read: `warm-pool` for
 * `RUNNER_CAPABILITY_WARM_POOL`.
 *
 * A value that is newer than the contract has no name yet: it is shown as its
 * number. {@link enumValueFromName} reads back both.
 */
export function enumShortName(schema: DescEnum, value: number): string {
  return schema.value[value]?.localName.toLowerCase().replaceAll("_", "-") ?? String(value);
}

/**
 * Returns an enum value as Protobuf JSON has it: the full name, such as
 * `RUNNER_CAPABILITY_WARM_POOL`, or the number of a value that is newer than
 * the contract.
 */
export function enumJson(schema: DescEnum, value: number): string | number {
  return schema.value[value]?.name ?? value;
}

/**
 * Returns the short names of all values of an enum that mean something, in the
 * order of the contract: all but the one that says "not known".
 */
export function enumShortNames(schema: DescEnum): string[] {
  return meaningful(schema).map(({ number }) => enumShortName(schema, number));
}

/**
 * Returns the enum value that goes by `name`, in any usual spelling:
 * `warm-pool`, `warmPool`, `WARM_POOL`, `RUNNER_CAPABILITY_WARM_POOL`. The
 * number of a value is taken as well, of one newer than the contract, too.
 *
 * Throws a RangeError that names the nearest right name, or all there are, for
 * a name that no value has. "Unspecified" is such a name: it says that nothing
 * is known, so there is nothing to look for.
 */
export function enumValueFromName<Desc extends DescEnum>(
  schema: Desc,
  name: string,
): EnumShape<Desc> {
  const letters = lettersOf(name);
  const prefix = lettersOf(schema.sharedPrefix ?? "");
  const value = meaningful(schema).find(({ localName }) => {
    const own = lettersOf(localName);
    return letters === own || letters === prefix + own;
  });
  if (value !== undefined) {
    return value.number as EnumShape<Desc>;
  }
  if (/^[1-9]\d{0,8}$/.test(name)) {
    return Number(name) as EnumShape<Desc>;
  }
  const names = enumShortNames(schema);
  const short = letters.startsWith(prefix) ? letters.slice(prefix.length) : name;
  throw new RangeError(
    `there is no ${schema.name} ${JSON.stringify(name)}: ${suggestName(short, names)}`,
  );
}

/**
 * Returns the names of enum values that a field of a message had in JSON and
 * that are newer than the contract. The message itself cannot hold them, so
 * the field is empty or, if it is a list, lacks them. See {@link unknownJson}.
 */
export function unknownEnumNames(message: Message | undefined, jsonName: string): string[] {
  const names = message && unknownJson(message)?.enumNames;
  return (names ?? []).filter(({ path }) => path === jsonName).map(({ name }) => name);
}

/** Value 0 of a proto3 enum says that nothing is known. */
function meaningful(schema: DescEnum) {
  return schema.values.filter(({ number }) => number !== 0);
}

function lettersOf(name: string): string {
  return name.toLowerCase().replace(/[-_\s]+/g, "");
}
