/**
 * Tokens for the API, made by an operator for a program.
 *
 * @module
 */

import {
  MAX_SECONDS,
  mintToken,
  type Scope,
  SCOPES,
  UUID_REGEXP,
} from "../../http/auth.ts";
import { Choice, Field, Form, Lines, Problem, Tick } from "../layout.tsx";
import { type DashboardRoute, OPERATORS, type SignedIn } from "../route.ts";
import type { Reply } from "../route.ts";
import type { SignIn } from "../sign_in.ts";
import { getAccount } from "../store/accounts.ts";
import { TEXTS } from "../texts.ts";
import type { DashboardWorld } from "../world.ts";

const PATH = "/tokens";

const HOUR_SECONDS = 3600;

/** Hours for which a token may work, as far as the API allows them. */
const HOURS: readonly number[] = [1, 8, 24];

/** What a token may be for: one user's things, or all. */
interface Wanted {
  readonly userId: string | undefined;
  readonly scopes: ReadonlySet<Scope>;
  readonly hours: number;
}

/**
 * Lists the pages.
 *
 * @param world The dashboard's world.
 * @param signIn Checks passwords.
 * @returns The pages.
 */
export function tokenRoutes(
  world: DashboardWorld,
  signIn: SignIn,
): DashboardRoute[] {
  return [
    {
      method: "GET",
      path: PATH,
      roles: OPERATORS,
      handle: ({ who }) => formPage(world, who),
    },
    {
      method: "POST",
      path: PATH,
      roles: OPERATORS,
      async handle({ who, form }) {
        const texts = TEXTS.tokens;
        const wanted = wantedOf(world, form);
        if (typeof wanted === "string") return formPage(world, who, wanted);
        const { accountId, name } = who.session;
        if (accountId === null) return formPage(world, who, texts.platform);
        // A token outlives the session, and cannot be taken back.
        const account = getAccount(world.store, accountId);
        if (!await signIn.repeats(account, form["password"] ?? "")) {
          return formPage(world, who, texts.wrongPassword);
        }
        const { userId, scopes, hours } = wanted;
        const token = await mintToken(world.tokens, {
          userId,
          scopes,
          ...userId === undefined && { subject: `token:${name}` },
        }, { now: world.now(), seconds: hours * HOUR_SECONDS });
        world.log.write("info", "token made", {
          account: accountId,
          user: userId,
          scopes: [...scopes].join(" "),
          hours,
        });
        return tokenPage(world, token, hours);
      },
    },
  ];
}

function wantedOf(
  world: DashboardWorld,
  form: Readonly<Record<string, string>>,
): Wanted | string {
  const texts = TEXTS.tokens;
  const userId = form["customer"]?.trim().toLowerCase() ?? "";
  const scopes = new Set(SCOPES.filter((scope) => form[scope] === "yes"));
  const hours = Number(form["hours"]);
  if (userId !== "" && !UUID_REGEXP.test(userId)) return texts.noCustomer;
  if (scopes.size === 0) return texts.noScope;
  if (userId !== "" && scopes.has("admin")) return texts.noAdmin;
  if (!hoursOf(world).includes(hours)) return texts.noHours;
  return { userId: userId === "" ? undefined : userId, scopes, hours };
}

function hoursOf({ tokens }: DashboardWorld): number[] {
  const most = tokens.maxSeconds ?? MAX_SECONDS;
  return HOURS.filter((hours) => hours * HOUR_SECONDS <= most);
}

function formPage(
  world: DashboardWorld,
  who: SignedIn,
  problem?: string,
): Reply {
  const texts = TEXTS.tokens;
  return {
    title: texts.title,
    status: problem === undefined ? 200 : 400,
    main: (
      <>
        <p>{texts.help}</p>
        <Problem text={problem} />
        <Form who={who} action={PATH} stack>
          <Field
            label={texts.customer}
            name="customer"
            help={texts.customerHelp}
            maxlength={36}
            isCode
          />
          <fieldset>
            <legend>{texts.may}</legend>
            {SCOPES.map((scope) => (
              <Tick name={scope} label={texts.scopes[scope]} />
            ))}
          </fieldset>
          <Choice
            label={texts.hours}
            name="hours"
            options={hoursOf(world).map((hours) => [
              String(hours),
              texts.hoursOf(hours),
            ])}
          />
          <Field
            label={texts.password}
            name="password"
            type="password"
            autocomplete="current-password"
            required
          />
          <button type="submit">{texts.make}</button>
        </Form>
      </>
    ),
  };
}

function tokenPage(
  { apiUrl }: DashboardWorld,
  token: string,
  hours: number,
): Reply {
  const texts = TEXTS.tokens;
  return {
    title: texts.title,
    main: (
      <>
        <p class="done" role="status">{texts.once(texts.hoursOf(hours))}</p>
        <Lines lines={[token]} />
        <h2>{texts.example}</h2>
        <Lines
          lines={[
            `curl -H "Authorization: Bearer $TOKEN" ${apiUrl}/vaultboxes`,
          ]}
        />
        <p class="help">{texts.takeBack}</p>
        <p>
          <a href={PATH}>{texts.another}</a>
        </p>
      </>
    ),
  };
}
