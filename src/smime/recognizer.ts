/**
 * What says of octets that come in chunks whether they are of some form.
 *
 * @module
 */

import type { Decoder } from "../mail/transfer_encoding.ts";
import { OctetStream } from "./octet_stream.ts";

/** Takes octets once, in chunks of any lengths; never throws on any of them. */
export interface Recognizer {
  /**
   * Takes the next chunk.
   *
   * @param octets The chunk; it may be overwritten then.
   * @returns False if the answer is no whatever follows; there is no need to go
   * on then.
   */
  next(octets: Uint8Array<ArrayBuffer>): boolean;
  /**
   * Says that no more octets come.
   *
   * @returns Whether all octets together are of the form.
   */
  end(): boolean;
}

/** A recognizer that is a reader of a stream. */
export class StreamRecognizer implements Recognizer {
  readonly #stream = new OctetStream();
  readonly #reading: Generator<void, boolean, void>;
  #verdict: boolean | undefined;

  /**
   * Starts reading.
   *
   * @param read Yields where octets are missing, as {@linkcode OctetStream}
   * says; returns the verdict, or throws a SyntaxError for a no.
   */
  constructor(read: (stream: OctetStream) => Generator<void, boolean, void>) {
    this.#reading = read(this.#stream);
  }

  /**
   * Takes octets, cut anywhere.
   *
   * @param octets The next octets.
   * @returns As the interface says.
   */
  next(octets: Uint8Array<ArrayBuffer>): boolean {
    if (this.#verdict !== undefined) return this.#verdict;
    this.#stream.add(octets);
    this.#resume();
    this.#stream.keep();
    return this.#verdict ?? true;
  }

  /**
   * Says that no more octets come.
   *
   * @returns As the interface says.
   */
  end(): boolean {
    this.#stream.finish();
    if (this.#verdict === undefined) this.#resume();
    return this.#verdict ?? false;
  }

  #resume(): void {
    try {
      const { done, value } = this.#reading.next();
      if (done) this.#verdict = value;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.#verdict = false;
    }
  }
}

/**
 * Makes a recognizer for encoded octets.
 *
 * @param decoder Decodes them.
 * @param recognizer Takes what was decoded.
 * @returns Its answer is no if the encoding is damaged.
 */
export function decoded(decoder: Decoder, recognizer: Recognizer): Recognizer {
  return {
    next(octets) {
      const plain = decoder.next(octets);
      return plain !== undefined && recognizer.next(plain);
    },
    end() {
      const last = decoder.end();
      return last !== undefined && recognizer.next(last) && recognizer.end();
    },
  };
}
