/**
 * Fields of requests as data: each parses a value and describes itself as JSON
 * Schema, so that what is checked and what is documented are one thing.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import { parseAddress, parseAlias, parseDomain } from "../mail/address.ts";
import { NIL_UUID, UUID_REGEXP } from "./auth.ts";

/** JSON Schema, draft 2020-12. */
export type Schema = Readonly<Record<string, unknown>>;

/** A decoded JSON object. */
export type Body = Readonly<Record<string, unknown>>;

/** One field of a body, a query or a path. */
export interface Field<T> {
  /** What it takes. */
  readonly schema: Schema;
  /** Whether it may be left out; `parse` then gets undefined. */
  readonly optional?: boolean;
  /**
   * Checks a value.
   *
   * @param value Decoded JSON.
   * @param name Name of the field, for the message.
   * @returns The value in the form in which it is used.
   * @throws {AppError} `invalid_request` that names the field.
   */
  parse(value: unknown, name: string): T;
}

/** Fields by JSON name. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** What parsing some fields gives. */
export type Values<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never;
};

/**
 * Checks an object against its fields.
 *
 * @param fields What it may have.
 * @param input The object.
 * @returns A value for each field.
 * @throws {AppError} `invalid_request` that names the first wrong field.
 */
export function parseFields<F extends Fields>(
  fields: F,
  input: Body,
): Values<F> {
  for (const name of Object.keys(input)) {
    if (!Object.hasOwn(fields, name)) {
      throw wrong(name.slice(0, 64), "is not known here");
    }
  }
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => {
      const value = input[name];
      if (value === undefined && !field.optional) {
        throw wrong(name, "is missing");
      }
      return [name, field.parse(value, name)];
    }),
  ) as Values<F>;
}

/**
 * Checks parameters of a URL, whose values are text.
 *
 * @param fields What may be there.
 * @param query Parameters by name.
 * @returns A value for each field.
 * @throws {AppError} `invalid_request` that names the first wrong parameter.
 */
export function parseQuery<F extends Fields>(
  fields: F,
  query: Readonly<Record<string, string>>,
): Values<F> {
  const typed = Object.entries(query).map(([name, text]) => {
    const type = Object.hasOwn(fields, name) && fields[name]!.schema["type"];
    const isNumber = type === "integer" && /^-?\d{1,15}$/.test(text);
    return [name, isNumber ? Number(text) : text];
  });
  return parseFields(fields, Object.fromEntries(typed));
}

/**
 * Describes fields as the schema of one object.
 *
 * @param fields The fields.
 * @returns JSON Schema.
 */
export function fieldsSchema(fields: Fields): Schema {
  const required = Object.keys(fields).filter((name) =>
    !fields[name]!.optional
  );
  return {
    type: "object",
    properties: Object.fromEntries(
      Object.entries(fields).map(([name, { schema }]) => [name, schema]),
    ),
    ...(required.length > 0 && { required }),
    additionalProperties: false,
  };
}

/**
 * Makes a field that may be left out.
 *
 * @param field The field.
 * @returns The same, or undefined.
 */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return {
    schema: field.schema,
    optional: true,
    parse: (value, name) =>
      value === undefined ? undefined : field.parse(value, name),
  };
}

/**
 * Makes a field that takes null as well.
 *
 * @param field The field.
 * @returns The same, or null.
 */
export function nullable<T>(field: Field<T>): Field<T | null> {
  return {
    schema: { anyOf: [field.schema, { type: "null" }] },
    parse: (value, name) => value === null ? null : field.parse(value, name),
  };
}

/**
 * Makes a field with another description.
 *
 * @param field The field.
 * @param description One sentence.
 * @returns The field.
 */
export function described<T>(field: Field<T>, description: string): Field<T> {
  return { ...field, schema: { ...field.schema, description } };
}

/**
 * Makes a field for an integer.
 *
 * @param min Least value.
 * @param max Greatest value.
 * @returns The field.
 */
export function integer(min: number, max: number): Field<number> {
  return {
    schema: { type: "integer", minimum: min, maximum: max },
    parse(value, name) {
      if (
        typeof value === "number" && Number.isInteger(value) && value >= min &&
        value <= max
      ) return value;
      throw wrong(name, `must be an integer from ${min} to ${max}`);
    },
  };
}

/**
 * Makes a field for one of some words.
 *
 * @param words The words.
 * @returns The field.
 */
export function oneOf<const W extends string>(...words: W[]): Field<W> {
  return {
    schema: { type: "string", enum: words },
    parse(value, name) {
      const word = words.find((each) => each === value);
      if (word !== undefined) return word;
      throw wrong(name, `must be ${words.join(" or ")}`);
    },
  };
}

/**
 * Makes a field for text.
 *
 * @param problem What is said if it does not fit, behind the name.
 * @param regexp What it must match.
 * @param schema More of its JSON Schema.
 * @returns The field.
 */
export function text(
  problem: string,
  regexp: RegExp,
  schema: Schema = {},
): Field<string> {
  return {
    schema: { type: "string", ...schema },
    parse(value, name) {
      if (typeof value !== "string") throw wrong(name, "must be a string");
      if (regexp.test(value)) return value;
      throw wrong(name, problem);
    },
  };
}

/**
 * Makes a field for a list.
 *
 * @param item What each item is.
 * @param max Items at most; there must be at least one.
 * @returns The field.
 */
export function listOf<T>(item: Field<T>, max: number): Field<T[]> {
  return {
    schema: {
      type: "array",
      items: item.schema,
      minItems: 1,
      maxItems: max,
    },
    parse(value, name) {
      if (!Array.isArray(value) || value.length < 1 || value.length > max) {
        throw wrong(name, `must be a list of 1 to ${max} items`);
      }
      return value.map((each) => item.parse(each, name));
    },
  };
}

/**
 * Makes a field for text that has a parser.
 *
 * @param schema More of its JSON Schema.
 * @param check Parses it; throws what is said if it does not fit.
 * @returns The field.
 */
export function checked<T>(
  schema: Schema,
  check: (text: string) => T,
): Field<T> {
  return {
    schema: { type: "string", ...schema },
    parse(value, name) {
      if (typeof value !== "string") throw wrong(name, "must be a string");
      try {
        return check(value);
      } catch (error) {
        // parseAddress() does not know where the address stands.
        const { message } = error as Error;
        const problem = message.replace(/^email /, `${name} `);
        throw new AppError("invalid_request", problem, {
          cause: error,
          details: { field: name },
        });
      }
    },
  };
}

/** A UUID in any case; lower case when parsed. */
export const UUID: Field<string> = {
  schema: { type: "string", format: "uuid" },
  parse(value, name) {
    if (typeof value === "string" && UUID_REGEXP.test(value)) {
      return value.toLowerCase();
    }
    throw wrong(name, "must be a UUID");
  },
};

/** A user. The nil UUID is the operator's, whom no request stands for. */
export const USER_ID: Field<string> = {
  schema: UUID.schema,
  parse(value, name) {
    const userId = UUID.parse(value, name);
    if (userId !== NIL_UUID) return userId;
    throw wrong(name, "must not be the nil UUID");
  },
};

/** A domain. */
export const DOMAIN: Field<string> = checked(
  { maxLength: 253, examples: ["call.autoroad.lv"] },
  parseDomain,
);

/** A local part. */
export const ALIAS: Field<string> = checked(
  { maxLength: 64, examples: ["cat"] },
  parseAlias,
);

/** An address. */
export const ADDRESS: Field<{ alias: string; domain: string }> = checked(
  { maxLength: 254, examples: ["cat@call.autoroad.lv"] },
  parseAddress,
);

/**
 * Makes a field for text for people: no control characters.
 *
 * @param max Characters at most; there must be at least one.
 * @returns The field; it takes off space at both ends.
 */
export function plainText(max: number): Field<string> {
  const regexp = new RegExp(`^\\P{Cc}{1,${max}}$`, "u");
  return {
    schema: { type: "string", minLength: 1, maxLength: max },
    parse(value, name) {
      if (typeof value !== "string") throw wrong(name, "must be a string");
      const trimmed = value.trim();
      if (regexp.test(trimmed) && trimmed.isWellFormed()) return trimmed;
      throw wrong(
        name,
        `must have 1 to ${max} characters, no control characters`,
      );
    },
  };
}

/** A name for people. */
export const NAME: Field<string> = plainText(255);

const YEAR_10000 = Date.UTC(10_000, 0);

/** A time since 1970 with its zone, RFC 3339; years of four digits in UTC. */
export const TIME: Field<Date> = {
  schema: { type: "string", format: "date-time" },
  parse(value, name) {
    const [, year, month, day] = typeof value === "string"
      ? /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i
        .exec(value) ?? []
      : [];
    const time = new Date(value as string);
    // 30 February is a day to Date.
    const date = new Date(`${year}-${month}-01T00:00:00Z`);
    date.setUTCDate(Number(day));
    // The zone can make it a year of five digits, which PostgreSQL does not read.
    if (
      !(time.getTime() > 0) || time.getTime() >= YEAR_10000 ||
      date.getUTCMonth() + 1 !== Number(month)
    ) {
      throw wrong(name, "must be a time such as 2030-01-31T12:00:00Z");
    }
    return time;
  },
};

/** A limit in octets, or null for none. */
export const MAX_BYTES: Field<number | null> = described(
  nullable(integer(65_536, 1_000_000_000_000_000)),
  "Octets as stored, at most; null is no limit.",
);

/** A limit in messages, or null for none. */
export const MAX_MESSAGES: Field<number | null> = described(
  nullable(integer(1, 1_000_000_000_000)),
  "Messages at most; null is no limit.",
);

/**
 * Makes the failure of a field.
 *
 * @param name Name of the field.
 * @param problem What is wrong, behind the name.
 * @returns The failure.
 */
export function wrong(name: string, problem: string): AppError {
  return new AppError("invalid_request", `${name} ${problem}`, {
    details: { field: name },
  });
}

/**
 * Makes a field for a part of a path: what does not fit is not there.
 *
 * @param field What it must be.
 * @param what What is missing otherwise, for the message.
 * @returns The field; it throws `not_found`.
 */
export function inPath<T>(field: Field<T>, what: string): Field<T> {
  return {
    schema: field.schema,
    parse(value, name) {
      try {
        return field.parse(value, name);
      } catch (error) {
        throw new AppError("not_found", `No such ${what}`, { cause: error });
      }
    },
  };
}

/** Id of a vaultbox in a path. */
export const VAULTBOX_ID: Field<string> = inPath(UUID, "vaultbox");
