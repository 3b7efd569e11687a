import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A program that is started and stopped by whoever supervises it. */
export interface Program {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Services of platform `shell` that outlive whoever asks for them to be started, as a unit of an init system does: a command writes what is
 * wanted and waits until it is so. A command whose wish was overtaken by another ends.
 */
export class Supervisor implements AsyncDisposable {
  readonly #folder: string;
  readonly #host: string;
  readonly #programs: Readonly<Record<string, Program>>;
  readonly #timer: NodeJS.Timeout;
  #work: Promise<void> = Promise.resolve();
  #isDisposed = false;
  /** What was done, in order: `start db`. */
  readonly calls: string[] = [];
  problem: unknown;

  /** `host`: where the services are said to run; empty: on this host. */
  constructor(folder: string, host: string, programs: Readonly<Record<string, Program>>) {
    this.#folder = folder;
    this.#host = host === '' ? '' : `, host: ${host}`;
    this.#programs = programs;
    for (const name of Object.keys(programs)) this.#say(name, 'is', 'down');
    this.#timer = setInterval(() => this.#look(), 30);
  }

  /** YAML of the service. */
  yaml(name: string, more = ''): string {
    const become = (state: string) =>
      `[sh, -c, 'cd ${this.#folder} && echo ${state} > ${name}.$$ && mv ${name}.$$ ${name}.want && while [ $(cat ${name}.want) = ${state} ] && [ $(cat ${name}.is) != ${state} ]; do sleep 0.05; done; [ $(cat ${name}.is) = ${state} ]']`;
    return `  ${name}: { platform: shell${this.#host}, start: ${become('up')}, stop: ${become('down')}, isRunning: [grep, -q, up, ${join(this.#folder, `${name}.is`)}]${more} }\n`;
  }

  states(): Readonly<Record<string, string>> {
    const names = Object.keys(this.#programs);
    return Object.fromEntries(names.map((name) => [name, this.#read(name, 'is') ?? 'down']));
  }

  /** As a person does it, besides any command. */
  async become(name: string, state: 'up' | 'down'): Promise<void> {
    this.#say(name, 'want', state);
    while (this.#read(name, 'is') !== state) {
      if (this.problem !== undefined) throw this.problem;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#isDisposed = true;
    await this.#work;
  }

  #look(): void {
    this.#work = this.#work.then(async () => {
      for (const [name, program] of Object.entries(this.#programs)) {
        const want = this.#read(name, 'want');
        if (this.#isDisposed || want === undefined || want === this.#read(name, 'is')) continue;
        this.calls.push(`${want === 'up' ? 'start' : 'stop'} ${name}`);
        try {
          await (want === 'up' ? program.start() : program.stop());
          this.#say(name, 'is', want);
        } catch (error) {
          this.problem = error;
          this.#say(name, 'want', this.#read(name, 'is') ?? 'down');
        }
      }
    });
  }

  #read(name: string, what: 'want' | 'is'): string | undefined {
    const file = join(this.#folder, `${name}.${what}`);
    return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
  }

  #say(name: string, what: 'want' | 'is', state: string): void {
    const file = join(this.#folder, `${name}.${what}`);
    writeFileSync(`${file}.new`, `${state}\n`);
    renameSync(`${file}.new`, file);
  }
}
