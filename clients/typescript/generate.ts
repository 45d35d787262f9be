/**
 * Writes encimap.ts, the typed client, from the description of the API.
 *
 * @module
 */

import type { App } from "../../src/app.ts";
import type { Schema } from "../../src/http/fields.ts";
import { openApi } from "../../src/http/openapi.ts";
import { apiRoutes } from "../../src/http/routes/all.ts";
import runtime from "./runtime.ts" with { type: "text" };

/** An operation of the description. */
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema: Schema;
  }[];
  readonly requestBody?: {
    readonly required: boolean;
    readonly content: Readonly<Record<string, { schema: Schema }>>;
  };
  readonly responses: Readonly<
    Record<string, { content: Readonly<Record<string, { schema?: Schema }>> }>
  >;
}

/** The parts of the description that are read here. */
interface Description {
  readonly servers: readonly [{ readonly url: string }];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** Writes a schema as a type. */
function typeOf(schema: Schema, indent = ""): string {
  const { "$ref": ref, const: constant, enum: words, anyOf, oneOf } = schema;
  if (typeof ref === "string") return ref.split("/").at(-1)!;
  if (constant !== undefined) return JSON.stringify(constant);
  if (Array.isArray(words)) return union(words.map((w) => JSON.stringify(w)));
  const choices = anyOf ?? oneOf;
  if (Array.isArray(choices)) {
    return union(choices.map((each) => typeOf(each, indent)));
  }
  const { type } = schema;
  if (Array.isArray(type)) {
    return union(type.map((each) => typeOf({ ...schema, type: each }, indent)));
  }
  switch (type) {
    case "string":
    case "boolean":
    case "null":
      return type;
    case "integer":
    case "number":
      return "number";
    case "array": {
      const item = typeOf(schema["items"] as Schema, indent);
      return /^\w+$/.test(item) ? `${item}[]` : `Array<${item}>`;
    }
    case "object":
      return objectType(schema, indent);
  }
  throw new TypeError(`Cannot write a type for ${JSON.stringify(schema)}`);
}

function union(types: readonly string[]): string {
  return [...new Set(types)].join(" | ");
}

function objectType(schema: Schema, indent: string): string {
  const properties = schema["properties"] as Record<string, Schema> | undefined;
  if (properties === undefined) {
    const values = schema["additionalProperties"];
    const value = typeof values === "object"
      ? typeOf(values as Schema, indent)
      : "unknown";
    return `Record<string, ${value}>`;
  }
  const required = schema["required"] as string[] ?? [];
  const lines = Object.entries(properties).map(([name, property]) => {
    const inner = `${indent}  `;
    const { description } = property;
    const comment = typeof description === "string"
      ? `${inner}/** ${description} */\n`
      : "";
    const mark = required.includes(name) ? "" : "?";
    return `${comment}${inner}${keyOf(name)}${mark}: ${
      typeOf(property, inner)
    };\n`;
  });
  return `{\n${lines.join("")}${indent}}`;
}

/** Quoted names of JSON are not held to camelCase. */
function keyOf(name: string): string {
  return /^[a-z]+$/i.test(name) ? name : JSON.stringify(name);
}

function camel(name: string): string {
  return name.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
}

function pascal(name: string): string {
  return name[0]!.toUpperCase() + name.slice(1);
}

/** Writes a named type. */
function declaration(name: string, schema: Schema, comment: string): string {
  const type = typeOf(schema);
  const doc = `/** ${comment} */\n`;
  return type.startsWith("{")
    ? `${doc}export interface ${name} ${type}\n`
    : `${doc}export type ${name} = ${type};\n`;
}

/** What a method gives back, and which function of the class reads it. */
function answerOf(
  operation: Operation,
): { kind: "data" | "page" | "octets" | "message" | "json"; type: string } {
  const [, response] = Object.entries(operation.responses)
    .find(([status]) => status.startsWith("2"))!;
  const schema = response.content["application/json"]?.schema;
  if (schema === undefined) return { kind: "octets", type: "Uint8Array" };
  const properties = schema["properties"] as Record<string, Schema> | undefined;
  if (properties?.["success"] === undefined) {
    return { kind: "json", type: typeOf(schema) };
  }
  const { data } = properties;
  if (data === undefined) return { kind: "message", type: "void" };
  if ("next_cursor" in properties) {
    return { kind: "page", type: typeOf(data["items"] as Schema) };
  }
  return { kind: "data", type: typeOf(data, "  ") };
}

/** Writes the types and the methods of one operation. */
function method(
  verb: string,
  path: string,
  operation: Operation,
): { types: string; methods: string } {
  const { operationId, summary, parameters = [], requestBody } = operation;
  const name = pascal(operationId);
  const { kind, type } = answerOf(operation);
  const pathNames = parameters.filter((each) => each.in === "path");
  const inQuery = parameters.filter((each) =>
    each.in === "query" && each.name !== "user_id"
  );
  const types: string[] = [];
  const takes = pathNames.map((each) => `${camel(each.name)}: string`);
  const call = [
    `method: ${JSON.stringify(verb)}`,
    `path: ${
      pathNames.length === 0 ? JSON.stringify(path) : `\`${
        path.replace(
          /\{(\w+)\}/g,
          (_, each) => `\${segment(${camel(each)})}`,
        )
      }\``
    }`,
  ];
  const schema = requestBody?.content["application/json"]?.schema;
  const hasBody = schema !== undefined &&
    (requestBody!.required ||
      Object.keys(schema["properties"] as Schema ?? {}).length > 0);
  if (hasBody) {
    types.push(declaration(`${name}Body`, schema, `Body of ${operationId}.`));
    takes.push(`body: ${name}Body${requestBody!.required ? "" : " = {}"}`);
    call.push("body");
  }
  if (inQuery.length > 0) {
    const isRequired = inQuery.some((each) => each.required);
    const query = {
      type: "object",
      properties: Object.fromEntries(
        inQuery.map(({ name, description, schema }) => [
          name,
          { ...schema, ...(description && { description }) },
        ]),
      ),
      required: inQuery.filter((each) => each.required).map(({ name }) => name),
    };
    types.push(declaration(`${name}Query`, query, `Query of ${operationId}.`));
    takes.push(`query: ${name}Query${isRequired ? "" : " = {}"}`);
    call.push("query");
  }
  const statuses = Object.keys(operation.responses)
    .filter((status) => /^[45]/.test(status));
  if (statuses.length > 0) call.push(`answers: [${statuses.join(", ")}]`);
  const options = verb === "POST" ? "PostOptions" : "RequestOptions";
  takes.push(`options: ${options} = {}`);
  const result = kind === "page" ? `Page<${type}>` : type;
  const head = (declared: string, takes: readonly string[]): string =>
    `  ${declared}(\n${takes.map((each) => `    ${each},\n`).join("")}  )`;
  const written = `{ ${call.join(", ")} }`;
  const doc = `  /** ${summary}: \`${verb} ${path}\`. */\n`;
  const methods = [
    `${doc}${head(`async ${operationId}`, takes)}: Promise<${result}> {
    ${
      kind === "message"
        ? `await this.octets(${written}, options);`
        : kind === "json"
        ? `return await this.json(${written}, options) as ${result};`
        : `return await this.${kind}(${written}, options);`
    }
  }
`,
  ];
  if (kind === "page") {
    const given = [...pathNames.map((each) => camel(each.name))];
    const all = operationId.replace(
      /^list|^/,
      (found) => found === "" ? "all" : `${found}All`,
    );
    methods.push(
      `  /** All rows of {@linkcode Encimap.${operationId}}, page by page. */\n${
        head(all, takes)
      }: AsyncGenerator<${type}, void, undefined> {
    return all((cursor) =>
      this.${operationId}(${
        [
          ...given,
          ...(hasBody ? ["body"] : []),
          "{ ...query, ...(cursor !== undefined && { cursor }) }",
          "options",
        ].join(", ")
      })
    );
  }
`,
    );
  }
  return { types: types.join("\n"), methods: methods.join("\n") };
}

/**
 * Writes the client.
 *
 * @returns Text of encimap.ts.
 */
export function client(): string {
  const description = openApi(apiRoutes({} as App)) as unknown as Description;
  const operations = Object.entries(description.paths).flatMap(
    ([path, item]) =>
      Object.entries(item).map(([verb, operation]) =>
        method(verb.toUpperCase(), path, operation)
      ),
  );
  const [, shared] = runtime.split(/^\/\/ (?:begin|end)\n/m);
  const components = Object.entries(description.components.schemas).map(
    ([name, schema]) =>
      declaration(name, schema, `\`${name}\` of docs/openapi.yaml.`),
  );
  return `/**
 * A client of the Encimap S2S API. Made by \`deno task client\` from the routes;
 * README.md beside it shows how to use it.
 *
 * @module
 */

${components.join("\n")}
${operations.map(({ types }) => types).filter((each) => each).join("\n")}
/** Reasons of failures, for programs. */
export type ErrorCode = FailureReason["code"];

/** Where the API listens if nothing else is said. */
export const DEFAULT_URL = ${JSON.stringify(description.servers[0].url)};

${shared!.trim()}

/** The API. Each method is an operation of docs/openapi.yaml. */
export class Encimap extends Client {
${operations.map(({ methods }) => methods).join("\n")}}
`;
}

if (import.meta.main) {
  Deno.writeTextFileSync(new URL("encimap.ts", import.meta.url), client());
}
