/**
 * Signals as an AbortSignal.
 *
 * @module
 */

/**
 * Waits for SIGTERM or SIGINT.
 *
 * @returns A signal that fires once; disposing of it stops the listening.
 */
export function shutdownSignal():
  & { readonly signal: AbortSignal }
  & Disposable {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  Deno.addSignalListener("SIGTERM", abort);
  Deno.addSignalListener("SIGINT", abort);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      Deno.removeSignalListener("SIGTERM", abort);
      Deno.removeSignalListener("SIGINT", abort);
    },
  };
}
