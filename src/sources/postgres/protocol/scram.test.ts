import { describe, expect, it } from 'vitest';
import { ScramClient, verifyServer } from './scram.ts';

// RFC 7677, section 3, with the user name that PostgreSQL ignores left out: the proofs below were computed with
// an independent implementation (Python's hashlib) from the same nonce, salt and password.
const nonce = 'rOprNGfwEbeRWgbNEkqO';
const challenge = `r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`;

describe('scram', () => {
  it('gives the proof that the challenge asks for', async () => {
    const client = new ScramClient(nonce);
    expect(client.firstMessage).toBe(`n,,n=,r=${nonce}`);
    const reply = await client.reply(challenge, 'pencil');
    expect(reply.message).toBe(
      `c=biws,r=${nonce}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=qvT2SWdEH5Q06albL+hjSYuUhCG7VndFyzIb7CK4n9k=`,
    );
    expect(reply.serverSignature.toString('base64')).toBe(
      '3HO6Qt1M4MKJrmlKaoOqLAI0/0TV0HZe7J9H3MBtSOg=',
    );
  });

  it('refuses a server that cannot prove itself', async () => {
    const { serverSignature } = await new ScramClient(nonce).reply(challenge, 'pencil');
    verifyServer(`v=${serverSignature.toString('base64')}`, serverSignature);
    for (const final of ['', 'v=', 'e=other-error', `v=${Buffer.alloc(32).toString('base64')}`]) {
      expect(() => verifyServer(final, serverSignature)).toThrow(
        expect.objectContaining({ code: 'postgres.protocol' }),
      );
    }
  });

  it('refuses challenges of another nonce, without salt, or with absurd work', async () => {
    const wrong = [
      'r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
      `r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`,
      `r=${nonce}x,s=,i=4096`,
      `r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0`,
      `r=${nonce}x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=999999999`,
    ];
    for (const each of wrong) {
      await expect(new ScramClient(nonce).reply(each, 'pencil')).rejects.toMatchObject({
        code: 'postgres.protocol',
      });
    }
  });
});
