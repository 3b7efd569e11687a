import { inspect } from 'node:util';
import { rememberSecret } from './hide-secrets.ts';

/** Text that never prints: in logs, JSON, errors and debuggers it shows as `[secret]`. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    rememberSecret(text);
  }

  /** The only way to the text. Call it where the secret is used, never to store or to log it. */
  reveal(): string {
    return this.#text;
  }

  toString(): string {
    return '[secret]';
  }

  toJSON(): string {
    return '[secret]';
  }

  [inspect.custom](): string {
    return '[secret]';
  }
}
