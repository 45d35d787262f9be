/**
 * The description of the API, made from its routes.
 *
 * @module
 * @see {@link https://spec.openapis.org/oas/v3.1.0 | OpenAPI 3.1}
 */

import { type Json, shape, TEXT } from "./answers.ts";
import { HEALTH, LIVE, READY } from "./health_answers.ts";
import { SCOPES } from "./auth.ts";
import { FAILURE } from "./failure.ts";
import { type Field, fieldsSchema, type Schema, USER_ID } from "./fields.ts";
import type { AnswerForm, Route } from "./route.ts";

/** Beginning of every path. */
export const PREFIX = "/s2s/v1";

/** Queries may have it on every route. */
const ACTING_FOR = {
  name: "user_id",
  in: "query",
  description:
    "From a service: acts as this user, whose things alone exist then.",
  schema: USER_ID.schema,
};

/** Every POST may have it. */
const IDEMPOTENCY_KEY = {
  name: "Idempotency-Key",
  in: "header",
  description: "The request happens once; its repetitions get its answer.",
  schema: { type: "string", minLength: 1, maxLength: 255 },
};

/** A path that needs no token and has no envelope. */
export interface OpenPath {
  /** Path below `/s2s/v1`. */
  readonly path: string;
  /** `operationId`. */
  readonly operationId: string;
  /** One sentence. */
  readonly summary: string;
  /** Schema of the answer. */
  readonly schema: Schema;
  /** What 200 means. */
  readonly up: string;
  /** What 503 means, if it comes. */
  readonly down: string | undefined;
}

/** All of them. */
export const OPEN_PATHS: readonly OpenPath[] = [
  {
    path: "/health",
    operationId: "health",
    summary: "Says whether the appliance works; no token, no envelope",
    schema: HEALTH,
    up: "All parts work.",
    down: "A part does not work.",
  },
  {
    path: "/health/live",
    operationId: "live",
    summary: "Says that the process answers; no token, no envelope",
    schema: LIVE,
    up: "It does.",
    down: undefined,
  },
  {
    path: "/health/ready",
    operationId: "ready",
    summary: "Says whether requests can be answered; no token, no envelope",
    schema: READY,
    up: "They can.",
    down: "The database or Postfix's maps cannot be used.",
  },
];

/**
 * Describes the API.
 *
 * @param routes Routes that need a token.
 * @returns The document.
 */
export function openApi(routes: readonly Route[]): Json {
  const schemas = new Map<string, Schema>();
  const paths: Record<string, Record<string, unknown>> = {};
  for (const open of OPEN_PATHS) {
    paths[open.path] = { get: openOperation(open, schemas) };
  }
  for (const route of routes) {
    paths[route.path] ??= {};
    paths[route.path]![route.method.toLowerCase()] = operation(route, schemas);
  }
  hoist(FAILURE, schemas);
  return {
    openapi: "3.1.0",
    info: {
      title: "Encimap S2S API",
      version: "1",
      description: "docs/api.md explains what a schema cannot say.",
    },
    servers: [{ url: `http://127.0.0.1:4301${PREFIX}` }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description: `Scopes: ${SCOPES.join(", ")}.`,
        },
      },
      schemas: Object.fromEntries([...schemas].sort()),
    },
  };
}

function operation(route: Route, schemas: Map<string, Schema>): Json {
  const { operation: operationId, summary, scope, body } = route;
  return {
    operationId,
    summary,
    ...(route.deprecation !== undefined && { deprecated: true }),
    security: [{ token: [scope] }],
    parameters: [
      ...Object.entries(route.params).map(([name, field]) => ({
        name,
        in: "path",
        required: true,
        schema: field.schema,
      })),
      ...Object.entries(route.query).map(([name, field]) =>
        queryParameter(name, field)
      ),
      ACTING_FOR,
      ...(route.method === "POST" ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(body !== undefined && {
      requestBody: {
        required: Object.values(body).some((field) => !field.optional),
        content: {
          "application/json": { schema: fieldsSchema(body) },
        },
      },
    }),
    responses: {
      [route.answer.status]: {
        description: "Done.",
        content: contentOf(route.answer, schemas),
      },
      default: {
        description: "Refused; see the table of codes in docs/api.md.",
        content: {
          "application/json": {
            schema: { "$ref": "#/components/schemas/Failure" },
          },
        },
      },
    },
  };
}

function queryParameter(name: string, field: Field<unknown>): Json {
  const { description, ...schema } = field.schema;
  return {
    name,
    in: "query",
    ...(field.optional ? {} : { required: true }),
    ...(description === undefined ? {} : { description }),
    schema,
  };
}

function contentOf(form: AnswerForm, schemas: Map<string, Schema>): Json {
  if ("file" in form) {
    const types = [form.file].flat();
    return Object.fromEntries(types.map((type) => [type, {}]));
  }
  const done = { success: { const: true } };
  const schema = "message" in form
    ? envelope({ ...done, message: TEXT })
    : "page" in form
    ? envelope(
      { ...done, data: { type: "array", items: form.page } },
      { "next_cursor": TEXT },
    )
    : envelope({ ...done, data: form.data });
  return { "application/json": { schema: hoist(schema, schemas) } };
}

function envelope(
  properties: Readonly<Record<string, Schema>>,
  optional: Readonly<Record<string, Schema>> = {},
): Schema {
  const { title: _, ...schema } = shape("", properties, optional);
  return schema;
}

function openOperation(
  { operationId, summary, schema, up, down }: OpenPath,
  schemas: Map<string, Schema>,
): Json {
  const content = {
    "application/json": { schema: hoist(schema, schemas) },
  };
  return {
    operationId,
    summary,
    security: [],
    responses: {
      200: { description: up, content },
      ...(down !== undefined && { 503: { description: down, content } }),
    },
  };
}

/** Moves schemas with a title to the components and leaves references. */
function hoist(schema: Schema, schemas: Map<string, Schema>): Schema {
  const inner = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, walk(value, schemas)]),
  );
  const { title } = schema;
  if (typeof title !== "string") return inner;
  const { title: _, ...rest } = inner;
  schemas.set(title, rest);
  return { "$ref": `#/components/schemas/${title}` };
}

function walk(value: unknown, schemas: Map<string, Schema>): unknown {
  if (Array.isArray(value)) return value.map((each) => walk(each, schemas));
  if (typeof value !== "object" || value === null) return value;
  return hoist(value as Schema, schemas);
}

/**
 * Writes JSON as YAML 1.2: block style, text in double quotes where plain text
 * could mean something else.
 *
 * @param value JSON.
 * @returns YAML with a newline at the end.
 */
export function toYaml(value: unknown): string {
  return `${yamlLines(value).join("\n")}\n`;
}

function yamlLines(value: unknown): string[] {
  const isList = Array.isArray(value);
  if (typeof value !== "object" || value === null || isEmpty(value)) {
    return [scalar(value)];
  }
  const items: [string, unknown][] = isList
    ? value.map((each) => ["-", each])
    : Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .map(([key, each]) => [`${scalar(key)}:`, each]);
  return items.flatMap(([mark, each]) => {
    const [first, ...rest] = yamlLines(each);
    const isNested = typeof each === "object" && each !== null &&
      !isEmpty(each);
    if (isList) return [`- ${first}`, ...rest.map((line) => `  ${line}`)];
    if (!isNested) return [`${mark} ${first}`];
    return [mark, ...[first, ...rest].map((line) => `  ${line}`)];
  });
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

function scalar(value: unknown): string {
  if (
    typeof value === "string" &&
    /^[A-Za-z][\w /.-]*[\w.]$|^[A-Za-z]$/.test(value) &&
    !/^(?:true|false|null|yes|no|on|off|y|n|nan|inf)$/i.test(value)
  ) return value;
  return JSON.stringify(value);
}
