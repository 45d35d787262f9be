/**
 * The page of a one-time link: a new account, or a new password. Fetching it
 * uses nothing up: programs that preview links fetch them and send no form.
 *
 * @module
 */

import { AppError } from "../../errors.ts";
import { Field, Problem } from "../layout.tsx";
import type { DashboardRoute, Reply } from "../route.ts";
import { SECRET_REGEXP } from "../secrets.ts";
import {
  LOGIN_REGEXP,
  PASSWORD_MIN,
  passwordProblem,
  type SignIn,
} from "../sign_in.ts";
import {
  acceptInvitation,
  findInvitation,
  type Invitation,
} from "../store/accounts.ts";
import { TEXTS } from "../texts.ts";
import type { DashboardWorld } from "../world.ts";
import { begin } from "./sign_in.tsx";

const PATH = "/invitation/:secret";

/** What can be wrong with the form. */
type ProblemName = keyof typeof TEXTS.invitation.problems;

/**
 * Lists the pages.
 *
 * @param world The dashboard's world.
 * @param signIn What makes hashes of passwords.
 * @returns The pages.
 */
export function invitationRoutes(
  world: DashboardWorld,
  signIn: SignIn,
): DashboardRoute[] {
  const find = (secret: string): Invitation | undefined =>
    SECRET_REGEXP.test(secret)
      ? findInvitation(world.store, secret, world.now())
      : undefined;
  return [
    {
      method: "GET",
      path: PATH,
      roles: "anybody",
      handle({ params }) {
        const secret = params["secret"]!;
        const invitation = find(secret);
        return invitation === undefined ? gone() : page(secret, invitation);
      },
    },
    {
      method: "POST",
      path: PATH,
      roles: "anybody",
      async handle(request) {
        const secret = request.params["secret"]!;
        const invitation = find(secret);
        if (invitation === undefined) return gone();
        const { password = "", again = "" } = request.form;
        const login = (request.form["login"] ?? "").trim().toLowerCase();
        const isNew = invitation.accountId === null;
        const problem: ProblemName | undefined =
          isNew && !LOGIN_REGEXP.test(login)
            ? "login"
            : passwordProblem(password) ??
              (password === again ? undefined : "again");
        if (problem !== undefined) {
          return page(secret, invitation, { login, problem });
        }
        signIn.countClient(request.client);
        const passwordHash = await signIn.hash(password);
        const input = { login, passwordHash, now: world.now() };
        try {
          const account = acceptInvitation(world.store, secret, input);
          world.log.write("info", "invitation accepted", {
            account: account.id,
          });
          return begin(world, account, request);
        } catch (error) {
          if (!(error instanceof AppError)) throw error;
          if (error.code !== "conflict") return gone();
          return page(secret, invitation, { login, problem: "taken" });
        }
      },
    },
  ];
}

function gone(): Reply {
  const { gone: title, goneHelp } = TEXTS.invitation;
  return { title, status: 404, main: <p>{goneHelp}</p> };
}

function page(
  secret: string,
  { accountId }: Invitation,
  typed?: { login: string; problem: ProblemName },
): Reply {
  const texts = TEXTS.invitation;
  const isNew = accountId === null;
  return {
    title: isNew ? texts.title : texts.reset,
    status: typed === undefined ? 200 : 400,
    main: (
      <form method="post" action={`/invitation/${secret}`} class="stack">
        <Problem text={typed && texts.problems[typed.problem]} />
        {isNew && (
          <Field
            label={texts.login}
            name="login"
            help={texts.loginHelp}
            value={typed?.login ?? ""}
            required
            maxlength={254}
            autocomplete="username"
            isCode
          />
        )}
        <Field
          label={texts.password}
          name="password"
          type="password"
          help={texts.passwordHelp}
          required
          minlength={PASSWORD_MIN}
          autocomplete="new-password"
        />
        <Field
          label={texts.again}
          name="again"
          type="password"
          required
          autocomplete="new-password"
        />
        <button type="submit">{texts.button}</button>
      </form>
    ),
  };
}
