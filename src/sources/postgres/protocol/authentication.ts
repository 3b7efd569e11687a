import { createHash } from 'node:crypto';
import { LifeboatError, type Secret } from '../../../core/index.ts';
import { findPassword } from '../connect/password.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { BodyReader } from './backend-messages.ts';
import { passwordMessage, saslInitialResponse, saslResponse } from './frontend-messages.ts';
import { ScramClient, verifyServer } from './scram.ts';

/** Sub-codes of the authentication message. */
const Request = { ok: 0, cleartext: 3, md5: 5, sasl: 10, saslContinue: 11, saslFinal: 12 } as const;
const mechanism = 'SCRAM-SHA-256';

/** Answers the server's authentication requests, one after the other. */
export class Authentication {
  readonly #settings: ConnectionSettings;
  readonly #send: (message: Buffer) => void;
  #scram: ScramClient | undefined;
  #serverSignature: Buffer | undefined;
  #serverProven = true;

  constructor(settings: ConnectionSettings, send: (message: Buffer) => void) {
    this.#settings = settings;
    this.#send = send;
  }

  async answer(body: Buffer): Promise<void> {
    const reader = new BodyReader(body);
    const request = reader.int32();
    switch (request) {
      case Request.ok:
        // A server that skips its own proof may be an impostor that collects what we send.
        if (!this.#serverProven) throw outOfOrder();
        return;
      case Request.cleartext:
        return this.#send(passwordMessage((await this.#password()).reveal()));
      case Request.md5:
        return this.#send(passwordMessage(await this.#md5(Buffer.from(reader.rest()))));
      case Request.sasl:
        return this.#beginSasl(reader);
      case Request.saslContinue:
        return this.#continueSasl(reader.rest().toString());
      case Request.saslFinal:
        return this.#endSasl(reader.rest().toString());
      default:
        throw new LifeboatError(
          'postgres.refused',
          `the server asks for an authentication method this program does not know (${request})`,
          { hint: 'Use scram-sha-256, md5, password, peer or trust in pg_hba.conf for this role.' },
        );
    }
  }

  async #md5(salt: Buffer): Promise<string> {
    const password = (await this.#password()).reveal();
    const inner = md5(Buffer.from(password + this.#settings.user));
    return `md5${md5(Buffer.concat([Buffer.from(inner), salt.subarray(0, 4)]))}`;
  }

  #beginSasl(reader: BodyReader): void {
    const offered: string[] = [];
    for (let name = reader.text(); name !== ''; name = reader.text()) offered.push(name);
    if (!offered.includes(mechanism)) {
      throw new LifeboatError(
        'postgres.refused',
        `the server offers only the authentication methods ${offered.join(', ')}`,
        { hint: `This program knows ${mechanism}.` },
      );
    }
    this.#scram = new ScramClient();
    this.#serverProven = false;
    this.#send(saslInitialResponse(mechanism, this.#scram.firstMessage));
  }

  async #continueSasl(challenge: string): Promise<void> {
    if (!this.#scram) throw outOfOrder();
    const reply = await this.#scram.reply(challenge, (await this.#password()).reveal());
    this.#serverSignature = reply.serverSignature;
    this.#send(saslResponse(reply.message));
  }

  #endSasl(final: string): void {
    if (!this.#serverSignature) throw outOfOrder();
    verifyServer(final, this.#serverSignature);
    this.#serverProven = true;
  }

  #password(): Promise<Secret> {
    return findPassword(this.#settings, ['replication', this.#settings.database]);
  }
}

function md5(bytes: Buffer): string {
  return createHash('md5').update(bytes).digest('hex');
}

function outOfOrder(): LifeboatError {
  return new LifeboatError('postgres.protocol', 'the server sent login messages out of order', {
    hint: 'Something other than your PostgreSQL server may be answering. Check host and port.',
  });
}
