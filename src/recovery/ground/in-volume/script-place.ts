import { LifeboatError, silentProgress } from '../../../core/index.ts';
import { clusterOf } from '../../../sources/index.ts';
import { isCluster } from '../folder/is-cluster.ts';
import { staysInPlace } from '../folder/layout.ts';
import type {
  GroundContents,
  GroundIdentity,
  GroundKind,
  GroundRequest,
  TreeDelivery,
} from '../ground.ts';
import { type Move, type Phase, type PlaceFacts, phases, type TreePlace } from '../tree-place.ts';
import { compareTrees } from './compare-trees.ts';
import type { ScriptEnd } from './run-script.ts';
import { scriptExits } from './script.ts';
import { TreeSender } from './send-tree.ts';

/** Runs the script where the data is. */
export interface ScriptRunner {
  readonly kind: GroundKind;
  /** Absolute path of the folder, as the script sees it. */
  readonly folder: string;
  describe(): string;
  /** For people, where a path is that the script names. */
  describePath(path: string): string;
  identify(request: GroundRequest): Promise<GroundIdentity>;
  /**
   * The arguments of the script, and what it reads. `changes`: it will change something there. Only one that does not create the place
   * may answer undefined: there is none yet. Errors: `ground.unavailable`, `target.in-use`, `cancelled`, those of the input.
   */
  run(args: readonly string[], call: RunnerCall): Promise<ScriptEnd | undefined>;
}

export interface RunnerCall extends GroundRequest {
  readonly token: string;
  /** `look`: changes nothing, and makes nothing; `fill`: makes the place if there is none; `move`: nobody may use it meanwhile. */
  readonly purpose: 'look' | 'fill' | 'move';
  readonly input?: AsyncIterable<Uint8Array>;
}

/** A place that is reached by running a script there. */
export class ScriptPlace implements TreePlace {
  readonly kind: GroundKind;
  readonly #runner: ScriptRunner;
  /** What `begin` has found: whether the tar there is GNU's, and whether it is a mount point. */
  #abilities = { isGnu: false, isMount: true };

  constructor(runner: ScriptRunner) {
    this.#runner = runner;
    this.kind = runner.kind;
  }

  describe(): string {
    return this.#runner.describe();
  }

  async identify(request: GroundRequest) {
    return await this.#runner.identify(request);
  }

  async freeBytes(request: GroundRequest): Promise<number | undefined> {
    const answer = await this.#call('free', 'none', [], { ...request, purpose: 'look' });
    const free = answer.get('free');
    return free === undefined ? undefined : Number(free) * 1024;
  }

  async contents(request: GroundRequest): Promise<GroundContents> {
    const words = ['contents', this.#runner.folder, 'none'];
    const end = this.#judge(
      await this.#runner.run(words, { ...request, token: 'none', purpose: 'look' }),
    );
    if (end === undefined) return { isEmpty: true };
    const said = end.stdout.toString('latin1');
    const control = [...said.matchAll(/^control (.*)$/gm)].map(([, digits = '']) => digits);
    const systemId = clusterOf(Buffer.from(control.join('').replaceAll(' ', ''), 'hex'));
    return {
      isEmpty: /^empty yes$/m.test(said),
      ...(systemId === undefined ? {} : { systemId }),
      ...(/^cluster no$/m.test(said) ? { hasNoCluster: true as const } : {}),
    };
  }

  async look(token: string, request: GroundRequest): Promise<PlaceFacts> {
    const answer = await this.#call('look', token, [], { ...request, purpose: 'look' });
    const phaseIn = (word: string) => phases.find((each) => each === answer.get(word));
    const open = answer.get('open');
    return {
      phase: phaseIn('phase'),
      hasNew: answer.has('new'),
      former: this.#formerIn(answer),
      open: open === undefined ? undefined : { token: open, phase: phaseIn('over') },
    };
  }

  async begin(token: string, delivery: TreeDelivery, request: GroundRequest): Promise<void> {
    const kind = (await isCluster(delivery.folder)) ? 'cluster' : 'files';
    const answer = await this.#call('begin', token, [kind], { ...request, purpose: 'fill' });
    this.#abilities = {
      isGnu: answer.get('tar') === 'gnu',
      isMount: answer.get('mode') === 'entries',
    };
  }

  async receive(token: string, delivery: TreeDelivery, request: GroundRequest): Promise<void> {
    const { signal, progress = silentProgress } = request;
    await this.#requireRoom(delivery, request);
    const task = 'deliver';
    progress({ type: 'begin', task, title: `sending to ${this.describe()}` });
    try {
      const sender = new TreeSender(delivery, {
        isGnu: this.#abilities.isGnu,
        leftOut: this.#abilities.isMount ? staysInPlace : new Set(),
        signal,
        onBytes: (done) => {
          const total = Math.max(done, delivery.bytes);
          progress({ type: 'progress', task, done, total, unit: 'bytes' });
        },
      });
      const input = sender.archive();
      const call = { ...request, purpose: 'fill', token, input } as const;
      const { owner } = delivery;
      const owners = owner ? [String(owner.uid), String(owner.gid)] : [];
      const words = ['receive', this.#runner.folder, token, ...owners];
      const end = await this.#runner.run(words, call);
      compareTrees(sender.sent, this.#judge(end)?.stdout ?? Buffer.alloc(0), this.describe());
    } finally {
      progress({ type: 'end', task });
    }
  }

  async mark(token: string, phase: Phase, request: GroundRequest): Promise<void> {
    await this.#call('mark', token, [phase], { ...request, purpose: 'fill' });
  }

  async move(token: string, { phase, from, to }: Move, request: GroundRequest) {
    const call = { ...request, purpose: 'move' } as const;
    return this.#formerIn(await this.#call('move', token, [phase, from, to], call));
  }

  async release(token: string, request: GroundRequest): Promise<void> {
    await this.#call('release', token, [], { ...request, purpose: 'fill' });
  }

  async remove(token: string, what: 'former' | 'everything', request: GroundRequest) {
    await this.#call('remove', token, [what], { ...request, purpose: 'fill' });
  }

  #formerIn(answer: ReadonlyMap<string, string>): string | undefined {
    const path = answer.get('former');
    return path === undefined ? undefined : this.#runner.describePath(path);
  }

  async #requireRoom({ bytes }: TreeDelivery, request: GroundRequest): Promise<void> {
    const free = await this.freeBytes(request);
    if (free === undefined || free >= bytes) return;
    throw this.#noRoom(`it needs ${bytes} bytes beside what is there, and has ${free}`);
  }

  /** Words and values of the lines of the answer. */
  async #call(
    operation: string,
    token: string,
    args: readonly string[],
    call: Omit<RunnerCall, 'token'>,
  ): Promise<ReadonlyMap<string, string>> {
    const words = [operation, this.#runner.folder, token, ...args];
    const end = this.#judge(await this.#runner.run(words, { ...call, token }));
    const lines = end?.stdout.toString('utf8').split('\n') ?? [];
    return new Map(
      lines
        .map((line) => /^([a-z]+) (.*)$/.exec(line))
        .filter((match) => match !== null)
        .map(([, word = '', value = '']) => [word, value] as const),
    );
  }

  #judge(end: ScriptEnd | undefined): ScriptEnd | undefined {
    if (end === undefined || end.exitCode === 0) return end;
    const { exitCode, stderr } = end;
    const lines = stderr.split('\n').filter((line) => line.trim() !== '');
    const fact = lines.at(-1)?.slice(0, 500) ?? `it ended with ${exitCode}`;
    if (/No space left on device|Disk quota exceeded/i.test(stderr)) throw this.#noRoom(fact);
    const context = { place: this.describe(), said: lines.slice(-5) };
    const message = `${this.describe()}: ${fact}`;
    if (exitCode === scriptExits.inUse) {
      const hint =
        'Stop it first, and whatever starts it again: a service, a container, a cluster manager.';
      throw new LifeboatError('target.in-use', message, { hint, context });
    }
    if (exitCode === scriptExits.busy) {
      const hint = 'It may be a former attempt that still works. Try again in a minute.';
      throw new LifeboatError('ground.unavailable', message, { hint, context, retryable: true });
    }
    const hint =
      exitCode === scriptExits.refused
        ? 'Put right what the message names; nothing was overwritten. Then try again.'
        : 'Every step there may be repeated, and goes on from where it was.';
    throw new LifeboatError('ground.failed', message, { hint, context });
  }

  #noRoom(fact: string): LifeboatError {
    return new LifeboatError('ground.no-room', `${this.describe()} has too little room: ${fact}`, {
      hint: 'Make room there and try again. What services use is as before.',
      retryable: true,
    });
  }
}
