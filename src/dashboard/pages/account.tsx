/**
 * Everybody's own page: sessions and codes.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { AppError } from "../../errors.ts";
import { NO_SESSION_COOKIE } from "../cookies.ts";
import type { Html } from "../html.ts";
import { Done, Field, Form, Problem, Time } from "../layout.tsx";
import { QrPicture } from "../qr_picture.tsx";
import {
  type DashboardRoute,
  EVERY_ROLE,
  type Reply,
  type SignedIn,
} from "../route.ts";
import { PASSWORD_MIN, passwordProblem, type SignIn } from "../sign_in.ts";
import { type Account, changePassword, getAccount } from "../store/accounts.ts";
import { takeCode, turnOffCodes, turnOnCodes } from "../store/second_factor.ts";
import { deleteSessionsOf, listSessions } from "../store/sessions.ts";
import { TEXTS } from "../texts.ts";
import {
  base32,
  newRecoveryCodes,
  newTotpKey,
  totpStep,
  totpUri,
} from "../totp.ts";
import type { DashboardWorld } from "../world.ts";

/** A key of an authenticator app, as its form carries it. */
const KEY_REGEXP = /^[0-9a-f]{40}$/;

/**
 * Lists the pages.
 *
 * @param world The dashboard's world.
 * @param signIn What checks passwords.
 * @returns The pages.
 */
export function accountRoutes(
  world: DashboardWorld,
  signIn: SignIn,
): DashboardRoute[] {
  const { store, now } = world;
  return [
    {
      method: "GET",
      path: "/account",
      roles: EVERY_ROLE,
      handle: ({ who, query }) => page(world, who, undefined, query),
    },
    {
      method: "POST",
      path: "/account/sign-out-everywhere",
      roles: EVERY_ROLE,
      handle({ who }) {
        deleteSessionsOf(store, accountOf(world, who).id);
        return { to: "/sign-in", cookies: [NO_SESSION_COOKIE] };
      },
    },
    {
      method: "POST",
      path: "/account/password",
      roles: EVERY_ROLE,
      async handle({ who, form }) {
        const account = accountOf(world, who);
        const { former = "", password = "", again = "" } = form;
        const problem = passwordProblem(password) ??
          (password === again ? undefined : "again");
        if (problem !== undefined) {
          return page(world, who, TEXTS.invitation.problems[problem]);
        }
        if (!await signIn.repeats(account, former)) {
          return page(world, who, TEXTS.account.wrongPassword);
        }
        changePassword(store, account.id, {
          passwordHash: await signIn.hash(password),
          sessionId: who.session.id,
        });
        world.log.write("info", "password changed", { account: account.id });
        return { to: "/account?done=password" };
      },
    },
    {
      method: "GET",
      path: "/account/codes",
      roles: EVERY_ROLE,
      handle({ who }) {
        const { login } = accountOf(world, who);
        return setUpPage(world, who, { login, key: newTotpKey() });
      },
    },
    {
      method: "POST",
      path: "/account/codes",
      roles: EVERY_ROLE,
      handle({ who, form }) {
        const { id, login, totpSecret } = accountOf(world, who);
        // Whoever has them on turns them off first, which needs one.
        if (totpSecret !== null) return { to: "/account" };
        const { key: hex = "", code = "" } = form;
        if (!KEY_REGEXP.test(hex)) {
          throw new AppError("invalid_request", "No key");
        }
        const key = new Uint8Array(Buffer.from(hex, "hex"));
        const typed = code.replace(/\s/g, "");
        const step = totpStep(key, typed, { now: now(), after: 0 });
        if (step === undefined) {
          return setUpPage(world, who, { login, key, isWrong: true });
        }
        const recoveryCodes = newRecoveryCodes();
        turnOnCodes(store, id, { key, step, recoveryCodes });
        world.log.write("info", "codes turned on", { account: id });
        return recoveryPage(recoveryCodes);
      },
    },
    {
      method: "POST",
      path: "/account/codes/off",
      roles: EVERY_ROLE,
      handle({ who, form }) {
        const account = accountOf(world, who);
        const { code = "" } = form;
        if (account.totpSecret === null) return { to: "/account" };
        signIn.countRepeated(account.id);
        if (!takeCode(store, account, code, now())) {
          return page(world, who, TEXTS.account.wrongCode);
        }
        turnOffCodes(store, account.id);
        world.log.write("info", "codes turned off", { account: account.id });
        return { to: "/account" };
      },
    },
  ];
}

/** Whom the platform has signed in has no account here. */
function accountOf(world: DashboardWorld, { session }: SignedIn): Account {
  if (session.accountId !== null) {
    return getAccount(world.store, session.accountId);
  }
  throw new AppError("not_found", "No account");
}

function page(
  world: DashboardWorld,
  who: SignedIn,
  problem?: string,
  query: Readonly<Record<string, string>> = {},
): Reply {
  const texts = TEXTS.account;
  const { accountId } = who.session;
  if (accountId === null) {
    return { title: texts.title, main: <p>{texts.platform}</p> };
  }
  const { totpSecret } = getAccount(world.store, accountId);
  return {
    title: texts.title,
    status: problem === undefined ? 200 : 400,
    main: (
      <>
        <Done query={query} />
        <Problem text={problem} />
        <Password who={who} />
        <h2>{texts.codes}</h2>
        {totpSecret === null
          ? (
            <>
              <p>{texts.codesOff}</p>
              <a class="button" href="/account/codes">{texts.turnOn}</a>
            </>
          )
          : (
            <>
              <p>{texts.codesOn}</p>
              <Form who={who} action="/account/codes/off">
                <CodeField />
                <button type="submit" class="bad">{texts.turnOff}</button>
              </Form>
            </>
          )}
        <h2>{texts.sessions}</h2>
        <div
          class="scroll"
          tabindex={0}
          role="region"
          aria-label={texts.sessions}
        >
          <table>
            <thead>
              <tr>
                <th scope="col">{texts.client}</th>
                <th scope="col">{texts.since}</th>
                <th scope="col">{texts.seen}</th>
              </tr>
            </thead>
            <tbody>
              {listSessions(world.store, accountId, world.now()).map((each) => (
                <tr>
                  <td>
                    {each.client || TEXTS.none}
                    {each.id === who.session.id && (
                      <b>{` (${texts.current})`}</b>
                    )}
                  </td>
                  <td>
                    <Time at={each.createdAt} />
                  </td>
                  <td>
                    <Time at={each.seenAt} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <Form who={who} action="/account/sign-out-everywhere">
          <button type="submit" class="bad">{texts.endAll}</button>
        </Form>
        <p class="help">{texts.endAllHelp}</p>
      </>
    ),
  };
}

function Password({ who }: { who: SignedIn }): Html {
  const texts = TEXTS.account;
  return (
    <>
      <h2>{texts.password}</h2>
      <Form who={who} action="/account/password" stack>
        <Field
          label={texts.former}
          name="former"
          type="password"
          required
          autocomplete="current-password"
        />
        <Field
          label={TEXTS.invitation.password}
          name="password"
          type="password"
          help={TEXTS.invitation.passwordHelp}
          required
          minlength={PASSWORD_MIN}
          autocomplete="new-password"
        />
        <Field
          label={TEXTS.invitation.again}
          name="again"
          type="password"
          required
          autocomplete="new-password"
        />
        <button type="submit">{texts.change}</button>
      </Form>
    </>
  );
}

function CodeField(): Html {
  return (
    <Field
      label={TEXTS.account.code}
      name="code"
      required
      inputmode="numeric"
      autocomplete="one-time-code"
      maxlength={20}
    />
  );
}

function setUpPage(
  world: DashboardWorld,
  who: SignedIn,
  { login, key, isWrong = false }: {
    login: string;
    key: Uint8Array;
    isWrong?: boolean;
  },
): Reply {
  const texts = TEXTS.account;
  return {
    title: texts.setUp,
    status: isWrong ? 400 : 200,
    main: (
      <>
        <Problem text={isWrong ? texts.wrongCode : undefined} />
        <p>{texts.setUpKey}</p>
        <p class="secret">{base32(key).replace(/.{4}(?=.)/g, "$& ")}</p>
        <p>
          <a href={totpUri(key, login, world.hostname)}>{texts.setUpLink}</a>
        </p>
        <QrPicture
          text={totpUri(key, login, world.hostname)}
          title={texts.setUpQr}
        />
        <Form who={who} action="/account/codes" stack>
          <input
            type="hidden"
            name="key"
            value={Buffer.from(key).toString("hex")}
          />
          <CodeField />
          <button type="submit">{texts.turnOn}</button>
        </Form>
      </>
    ),
  };
}

function recoveryPage(codes: readonly string[]): Reply {
  const texts = TEXTS.account;
  return {
    title: texts.recovery,
    main: (
      <>
        <p>{texts.recoveryHelp}</p>
        <ul class="secret">{codes.map((code) => <li>{code}</li>)}</ul>
        <p>
          <a class="button" href="/account">{texts.title}</a>
        </p>
      </>
    ),
  };
}
