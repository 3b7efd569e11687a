import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority of openssl, in files of a folder. */
export class TestAuthority {
  readonly #openssl: string;
  readonly #folder: string;
  readonly #name: string;
  readonly cert: string;
  readonly #key: string;

  constructor(openssl: string, folder: string, name: string) {
    this.#openssl = openssl;
    this.#folder = folder;
    this.#name = name;
    this.cert = join(folder, `${name}.crt`);
    this.#key = join(folder, `${name}.key`);
    this.#run('req', '-x509', ...this.#newKey(this.#key), '-days', '2', '-out', this.cert, [
      '-subj',
      `/CN=${name}`,
    ]);
  }

  /** For a server of these names, or for a client whose name is the first. */
  issue(file: string, names: readonly string[], days = 2): Certificate {
    const path = (ending: string) => join(this.#folder, `${this.#name}-${file}.${ending}`);
    const [cert, key, request, extensions] = ['crt', 'key', 'csr', 'cnf'].map(path) as [
      string,
      string,
      string,
      string,
    ];
    const alternatives = names.map((each) =>
      /^[\d.]+$/.test(each) ? `IP:${each}` : `DNS:${each}`,
    );
    writeFileSync(extensions, `subjectAltName=${alternatives.join()}\n`);
    this.#run('req', ...this.#newKey(key), '-out', request, ['-subj', `/CN=${names[0]}`]);
    const signed = ['-CA', this.cert, '-CAkey', this.#key, '-CAcreateserial'];
    this.#run('x509', '-req', '-in', request, ...signed, ['-extfile', extensions], '-out', cert, [
      '-days',
      String(days),
    ]);
    chmodSync(key, 0o600);
    return { cert, key };
  }

  #newKey(key: string): string[] {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
    return [...curve, '-nodes', '-keyout', key];
  }

  #run(...args: (string | string[])[]): void {
    execFileSync(this.#openssl, args.flat(), { stdio: 'pipe' });
  }
}
