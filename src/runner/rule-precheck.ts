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
 * Returns true only if a message certainly satisfies the validation rules in its descriptor. This
 * is a cheap, conservative precheck: false does not mean that the message is invalid.
 *
 * If the precheck does not pass, let Protovalidate decide. All violations are then reported by
 * Protovalidate, and kinds of rules that the precheck does not support are still enforced. The
 * precheck exists because initializing Protovalidate, with its CEL environment, takes longer than
 * the rest of a server's startup.
 */
export function passesRulePrecheck<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
): boolean {
  return getMessagePrecheck(schema)(message);
}

/** Returns true only if a value certainly satisfies its rules. */
// biome-ignore lint/suspicious/noExplicitAny: the descriptor determines the type of the value.
type Precheck = (value: any) => boolean;

/** Never passes, so that Protovalidate decides. */
const inconclusive: Precheck = () => false;

const messagePrechecks = new WeakMap<DescMessage, Precheck>();

function getMessagePrecheck(schema: DescMessage): Precheck {
  let precheck = messagePrechecks.get(schema);
  if (precheck === undefined) {
    const fieldPrechecks: Precheck[] = [];
    precheck = (message: Message) => fieldPrechecks.every((passes) => passes(message));
    // Cache it before creating the field prechecks: message types can be recursive.
    messagePrechecks.set(schema, precheck);
    const isSupported = schema.proto.options?.$unknown === undefined && schema.oneofs.length === 0;
    fieldPrechecks.push(
      ...(isSupported ? schema.fields.flatMap(createFieldPrechecks) : [inconclusive]),
    );
  }
  return precheck;
}

/** Creates the prechecks of a field, which take the message that contains it. */
function createFieldPrechecks(field: DescField): Precheck[] {
  if (mayHaveUnsupportedRules(field)) {
    return [inconclusive];
  }
  if (!hasOption(field, rulesOf) && field.message === undefined) {
    return [];
  }
  const { required, ignore, type, $unknown } = getOption(field, rulesOf);
  if ($unknown !== undefined || ignore === Ignore.ALWAYS) {
    return [inconclusive];
  }
  const passes =
    field.fieldKind === "list" ? createListPrecheck(field, type) : createValuePrecheck(field, type);
  // Without presence, an unset field is validated as its zero value.
  const mayBeUnset =
    ignore === Ignore.IF_ZERO_VALUE || field.presence !== FeatureSet_FieldPresence.IMPLICIT;
  return [
    (message) => {
      const value = message[field.localName];
      return isFieldSet(message, field)
        ? passes(value)
        : !required && (mayBeUnset || passes(value));
    },
  ];
}

/** Returns whether a field has options that are unknown here and may therefore be rules. */
function mayHaveUnsupportedRules({ fieldKind, proto }: DescField): boolean {
  const options = proto.options?.$unknown ?? [];
  return fieldKind === "map" || options.some(({ no }) => no !== rulesOf.number);
}

function createListPrecheck(field: DescField, type: FieldRules["type"]): Precheck {
  const passes = createValuePrecheck(field, type);
  // The rules on a list field apply to the list, not to its items.
  return type.case === undefined ? (list: unknown[]) => list.every(passes) : inconclusive;
}

function createValuePrecheck(
  { message, enum: enumSchema }: DescField,
  type: FieldRules["type"],
): Precheck {
  if (type.value?.$unknown !== undefined) {
    return inconclusive;
  }
  switch (type.case) {
    case undefined:
      return message === undefined ? () => true : getMessagePrecheck(message);
    case "string":
      return type.value.wellKnown.case === "uuid" && type.value.wellKnown.value
        ? (value: string) => uuid.test(value)
        : inconclusive;
    case "uint32": {
      const { lessThan } = type.value;
      return lessThan.case === "lte" ? (number: number) => number <= lessThan.value : inconclusive;
    }
    case "bytes": {
      const { len } = type.value;
      return (bytes: Uint8Array) => bytes.length === Number(len);
    }
    case "enum":
      return type.value.definedOnly
        ? (value: number) => enumSchema?.value[value] !== undefined
        : inconclusive;
  }
}

/** The format that Protovalidate accepts: RFC 9562, section 4, in upper or lower case. */
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
