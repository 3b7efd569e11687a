import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { ClaimTable } from '../index/claim-table.ts';
import { removeQuietlySync } from '../location/local-temporary-file.ts';
import { type SinkGrant, type SinkMessage, sinkFigure, sinkWord } from './blob-sink.ts';

export interface SinkHostOptions {
  readonly masterKey: EnvelopeKey;
  readonly localFolder: string | undefined;
  readonly index: BlobIndex;
  readonly claims: ClaimTable;
  /** Writes a pack; the sink may send the next one when it is done. Does not reject. */
  readonly onPack: (message: SinkMessage) => Promise<void>;
}

interface OpenSink {
  readonly port: MessagePort;
  readonly control: Int32Array;
  readonly figures: Float64Array;
  /** Numbers of packs that are written, beyond the first gap. */
  readonly written: Set<number>;
  /** All packs up to this number are written. */
  writtenUpTo: number;
}

/** The main thread's end of the sinks of one backup. */
export class SinkHost {
  readonly #options: SinkHostOptions;
  readonly #sinks: OpenSink[] = [];
  #waiting: (() => void)[] = [];

  constructor(options: SinkHostOptions) {
    this.#options = options;
  }

  open(isFast: boolean): SinkGrant {
    const { masterKey, index, claims, localFolder } = this.#options;
    const { port1: port, port2 } = new MessageChannel();
    const control = new SharedArrayBuffer(Object.keys(sinkWord).length * 4);
    const figures = new SharedArrayBuffer(Object.keys(sinkFigure).length * 8);
    const sink = {
      port,
      control: new Int32Array(control),
      figures: new Float64Array(figures),
      written: new Set<number>(),
      writtenUpTo: 0,
    };
    this.#sinks.push(sink);
    port.on('message', (message: SinkMessage) => void this.#take(sink, message));
    const memory = { index: index.memory, claims: claims.memory, control, figures };
    return { masterKey, ...memory, port: port2, localFolder, isFast };
  }

  /** Every pack that was handed over before the call has been written, or has failed. */
  async settle(): Promise<void> {
    const sent = this.#sinks.map(({ control }) => Atomics.load(control, sinkWord.packsSent));
    const isBehind = (sink: OpenSink, at: number) => sink.writtenUpTo < (sent[at] ?? 0);
    while (this.#sinks.some(isBehind)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Sum over the sinks. */
  figure(name: keyof typeof sinkFigure): number {
    const at = sinkFigure[name];
    return this.#sinks.reduce((sum, { figures }) => sum + (figures[at] as number), 0);
  }

  /** From now on the sinks refuse. */
  stop(): void {
    for (const { control } of this.#sinks) {
      Atomics.store(control, sinkWord.stop, 1);
      Atomics.notify(control, sinkWord.packsUnderWay);
    }
  }

  /** What was handed over and not taken yet is thrown away. */
  close(): void {
    this.stop();
    for (const { port } of this.#sinks) {
      for (;;) {
        const left = receiveMessageOnPort(port) as { message: SinkMessage } | undefined;
        if (left === undefined) break;
        const { content } = left.message;
        if (typeof content === 'string') removeQuietlySync(content);
      }
      port.close();
    }
  }

  async #take(sink: OpenSink, message: SinkMessage): Promise<void> {
    const { port, control, written } = sink;
    await this.#options.onPack(message);
    written.add(message.number);
    while (written.delete(sink.writtenUpTo + 1)) sink.writtenUpTo++;
    const { content } = message;
    if (typeof content !== 'string' && content.buffer.byteLength > 0) {
      port.postMessage(content.buffer, [content.buffer]);
    }
    Atomics.sub(control, sinkWord.packsUnderWay, 1);
    Atomics.notify(control, sinkWord.packsUnderWay);
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
