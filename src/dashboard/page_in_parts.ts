/**
 * A page that is shown while it is still written: long work has its progress
 * without a script in the browser.
 *
 * @module
 */

import type { Html } from "./html.ts";

const END_OF_MAIN = "</main>";

/**
 * Sends a page whose main part goes on for a while. What makes the parts is asked
 * for all of them, also when nobody reads any more: what was begun is finished.
 *
 * @param page HTML of the page with what it begins with.
 * @param parts What comes below that, each as soon as it is there.
 * @param sorry Writes what stands there after a failure.
 * @returns Octets of the page.
 */
export function pageInParts(
  page: string,
  parts: AsyncIterable<Html>,
  sorry: (thrown: unknown) => Html,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  const end = page.lastIndexOf(END_OF_MAIN);
  let isRead = true;
  return new ReadableStream({
    async start(controller) {
      const put = async (html: string | Html): Promise<void> => {
        const octets = encoder.encode(await html);
        if (isRead) controller.enqueue(octets);
      };
      await put(page.slice(0, end));
      try {
        for await (const part of parts) await put(part);
      } catch (error) {
        await put(sorry(error));
      }
      await put(page.slice(end));
      if (isRead) controller.close();
    },
    cancel() {
      isRead = false;
    },
  });
}
