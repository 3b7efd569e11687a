import { isLifeboatError } from '../../../core/index.ts';
import type { HttpAnswer, HttpRequest, HttpTransport } from '../http/http-transport.ts';
import { Http2Session } from '../http/http2-session.ts';
import { type RcloneCommand, RcloneProcess } from './rclone-process.ts';

interface Running {
  readonly process: RcloneProcess;
  readonly session: Http2Session;
}

/** Speaks HTTP/2 with an rclone that is started at the first request, and again when it has ended. */
export class RcloneTransport implements HttpTransport {
  readonly #command: RcloneCommand;
  readonly #place: string;
  #running: Running | undefined;
  #awaited = 0;

  constructor(command: RcloneCommand, place: string) {
    this.#command = command;
    this.#place = place;
  }

  async request(request: HttpRequest): Promise<HttpAnswer> {
    const { process, session } = this.#start();
    this.#awaited++;
    process.work();
    try {
      return await session.request(request);
    } catch (error) {
      if (!isLifeboatError(error, 'location.unreachable')) throw error;
      // The socket closes a moment before the process is known to have ended; what it said tells more.
      if (!session.isOpen) await process.ended;
      throw process.isRunning ? error : process.failure(this.#place);
    } finally {
      this.#awaited--;
      if (this.#awaited === 0) process.rest();
    }
  }

  async close(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    running?.session.destroy();
    await running?.process.stop();
  }

  #start(): Running {
    const running = this.#running;
    if (running?.process.isRunning && running.session.isOpen) return running;
    const process = new RcloneProcess(this.#command);
    this.#running = { process, session: new Http2Session(process.socket, this.#place) };
    return this.#running;
  }
}
