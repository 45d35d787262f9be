/**
 * Signing in and out.
 *
 * @module
 */

import { AppError } from "../../errors.ts";
import {
  DEVICE_COOKIE,
  deviceCookie,
  NO_SESSION_COOKIE,
  SESSION_COOKIE,
  sessionCookie,
} from "../cookies.ts";
import { Field, Problem } from "../layout.tsx";
import {
  type DashboardRoute,
  EVERY_ROLE,
  type PageRequest,
  type Reply,
  type SignedIn,
} from "../route.ts";
import type { SignIn } from "../sign_in.ts";
import type { Account } from "../store/accounts.ts";
import {
  deleteSession,
  findSession,
  insertDevice,
  insertSession,
  isKnownDevice,
} from "../store/sessions.ts";
import { TEXTS } from "../texts.ts";
import type { DashboardWorld } from "../world.ts";

/**
 * Lists the pages.
 *
 * @param world The dashboard's world.
 * @param signIn What checks passwords.
 * @returns The pages.
 */
export function signInRoutes(
  world: DashboardWorld,
  signIn: SignIn,
): DashboardRoute[] {
  return [
    {
      method: "GET",
      path: "/sign-in",
      roles: "anybody",
      handle: ({ who }) => who === undefined ? page() : { to: "/" },
    },
    {
      method: "POST",
      path: "/sign-in",
      roles: "anybody",
      async handle(request) {
        const { login = "", password = "", code = "" } = request.form;
        let account: Account | undefined;
        try {
          account = await signIn.check({
            login: login.trim().toLowerCase(),
            password,
            code,
            device: request.cookies[DEVICE_COOKIE],
            client: request.client,
          });
        } catch (error) {
          return tooMany(error, login);
        }
        if (account === undefined) {
          world.log.write("info", "sign-in refused");
          return page({ login, problem: TEXTS.signIn.wrong, status: 401 });
        }
        world.log.write("info", "signed in", { account: account.id });
        return begin(world, account, request);
      },
    },
    {
      method: "POST",
      path: "/sign-out",
      roles: EVERY_ROLE,
      handle({ who: { session } }) {
        deleteSession(world.store, session.id);
        return { to: "/sign-in", cookies: [NO_SESSION_COOKIE] };
      },
    },
  ];
}

/**
 * Begins a session of an account. The one that the browser had ends.
 *
 * @param world The dashboard's world.
 * @param account Who has signed in.
 * @param request The request.
 * @returns The answer, with new cookies.
 */
export function begin(
  world: DashboardWorld,
  account: Account,
  request: Pick<PageRequest<SignedIn | undefined>, "cookies" | "userAgent">,
): Reply {
  const { store } = world;
  const now = world.now();
  endFormer(world, request.cookies);
  const { id: accountId, login: name, grant } = account;
  const who = { accountId, name, grant, client: request.userAgent };
  const cookies = [sessionCookie(insertSession(store, who, now))];
  const device = request.cookies[DEVICE_COOKIE];
  if (device === undefined || !isKnownDevice(store, accountId, device)) {
    cookies.push(deviceCookie(insertDevice(store, accountId, now)));
  }
  return { to: "/", cookies };
}

/**
 * Ends the session that a browser has had before.
 *
 * @param world The dashboard's world.
 * @param cookies The browser's cookies.
 */
export function endFormer(
  { store, now }: DashboardWorld,
  cookies: Readonly<Record<string, string>>,
): void {
  const former = cookies[SESSION_COOKIE];
  if (former === undefined) return;
  const session = findSession(store, former, now());
  if (session !== undefined) deleteSession(store, session.id);
}

function tooMany(error: unknown, login: string): Reply {
  const isKnown = error instanceof AppError &&
    error.code === "too_many_requests";
  if (!isKnown) throw error;
  const retryAfter = Number(error.details?.["retry_after"] ?? 60);
  const problem = TEXTS.signIn.wait(Math.ceil(retryAfter / 60));
  return page({ login, problem, status: 429, retryAfter });
}

function page(
  { login = "", problem, status = 200, retryAfter }: {
    login?: string;
    problem?: string;
    status?: number;
    retryAfter?: number;
  } = {},
): Reply {
  const texts = TEXTS.signIn;
  return {
    title: texts.title,
    status,
    ...retryAfter !== undefined && { retryAfter },
    main: (
      <form method="post" action="/sign-in" class="stack">
        <Problem text={problem} />
        <Field
          label={texts.login}
          name="login"
          value={login}
          required
          maxlength={254}
          autocomplete="username"
          isCode
        />
        <Field
          label={texts.password}
          name="password"
          type="password"
          required
          autocomplete="current-password"
        />
        <Field
          label={texts.code}
          name="code"
          help={texts.codeHelp}
          autocomplete="one-time-code"
          isCode
          maxlength={20}
        />
        <button type="submit">{texts.button}</button>
        <p class="soft">{texts.forgotten}</p>
      </form>
    ),
  };
}
