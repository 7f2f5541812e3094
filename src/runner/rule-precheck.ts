import {
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  isFieldSet,
  type Message,
  type MessageShape,
} from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { type FieldRules, Ignore, field as rulesOf } from "../../gen/buf/validate/validate_pb.ts";

/**
 * Whether a message plainly keeps the rules of the contract, which are read from its descriptor.
 *
 * If not, it is for Protovalidate to say whether a rule is broken, and which: errors have one author,
 * and a rule of a kind that is not known here is kept by nothing. Protovalidate itself takes longer
 * to get ready, for the language that rules are written in, than all else that a server needs.
 */
export function passesRulePrecheck<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): boolean {
  return checkOf(schema)(message);
}

/** Tells whether a value plainly keeps its rules. */
// biome-ignore lint/suspicious/noExplicitAny: what kind of value it is, the descriptor says.
type Check = (value: any) => boolean;

const never: Check = () => false;

const checks = new WeakMap<DescMessage, Check>();

function checkOf(schema: DescMessage): Check {
  let check = checks.get(schema);
  if (check === undefined) {
    const ofFields: Check[] = [];
    check = (message: Message) => ofFields.every((keeps) => keeps(message));
    // Before its fields are looked at: a message may have its like inside.
    checks.set(schema, check);
    const isPlain = schema.proto.options?.$unknown === undefined && schema.oneofs.length === 0;
    ofFields.push(...(isPlain ? schema.fields.flatMap(checksOfField) : [never]));
  }
  return check;
}

/** What there is to check of a field, in the message that has it. */
function checksOfField(field: DescField): Check[] {
  if (mayHaveOtherRules(field)) {
    return [never];
  }
  if (!hasOption(field, rulesOf) && field.message === undefined) {
    return [];
  }
  const { required, ignore, type, $unknown } = getOption(field, rulesOf);
  if ($unknown !== undefined || ignore === Ignore.ALWAYS) {
    return [never];
  }
  const keeps = field.fieldKind === "list" ? checkOfList(field, type) : checkOfValue(field, type);
  // Without presence, what is not set is judged as the zero value.
  const mayBeUnset =
    ignore === Ignore.IF_ZERO_VALUE || field.presence !== FeatureSet_FieldPresence.IMPLICIT;
  return [
    (message) => {
      const value = message[field.localName];
      return isFieldSet(message, field) ? keeps(value) : !required && (mayBeUnset || keeps(value));
    },
  ];
}

/** Whether a field has options of a kind that is not known here: they may be rules. */
function mayHaveOtherRules({ fieldKind, proto }: DescField): boolean {
  const options = proto.options?.$unknown ?? [];
  return fieldKind === "map" || options.some(({ no }) => no !== rulesOf.number);
}

function checkOfList(field: DescField, type: FieldRules["type"]): Check {
  const keeps = checkOfValue(field, type);
  // The rules of a list are not those of its items.
  return type.case === undefined ? (list: unknown[]) => list.every(keeps) : never;
}

function checkOfValue({ message, enum: names }: DescField, type: FieldRules["type"]): Check {
  if (type.value?.$unknown !== undefined) {
    return never;
  }
  switch (type.case) {
    case undefined:
      return message === undefined ? () => true : checkOf(message);
    case "string":
      return type.value.wellKnown.case === "uuid" && type.value.wellKnown.value
        ? (text: string) => uuid.test(text)
        : never;
    case "uint32": {
      const { lessThan } = type.value;
      return lessThan.case === "lte" ? (number: number) => number <= lessThan.value : never;
    }
    case "bytes": {
      const { len } = type.value;
      return (bytes: Uint8Array) => bytes.length === Number(len);
    }
    case "enum":
      return type.value.definedOnly ? (value: number) => names?.value[value] !== undefined : never;
  }
}

/** As Protovalidate takes it: RFC 9562, section 4, in either case. */
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
