import type { Output } from './output/output.ts';

/** What a command may touch of the world. Everything comes in here, so that `run` is testable. */
export interface CommandContext {
  readonly output: Output;
  readonly signal: AbortSignal;
  readonly environment: NodeJS.ProcessEnv;
  /** Where relative paths of arguments begin. */
  readonly folder: string;
  /** `--config`. */
  readonly configFile: string | undefined;
  /** What a script says to a command that listens. */
  readonly input?: NodeJS.ReadableStream;
  /** Questions on the terminal; absent when there is nobody to ask. */
  readonly ask: Ask | undefined;
}

export interface Ask {
  secret(question: string): Promise<string>;
  text(question: string, initial?: string): Promise<string>;
  choose<Value extends string>(
    question: string,
    options: readonly { readonly value: Value; readonly label: string }[],
    initial: Value,
  ): Promise<Value>;
}

export interface Surroundings {
  readonly environment: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly signal: AbortSignal;
}

/** By the name commander gives an option: `--before-xid <xid>` is `beforeXid`. */
export type OptionDeclarations = Readonly<
  Record<
    string,
    {
      readonly flags: string;
      readonly description: string;
      readonly repeatable?: true;
      /** An empty text means something. Elsewhere it comes from a variable that is not set. */
      readonly mayBeEmpty?: true;
    }
  >
>;

/** An option with `<value>` is text, several texts where it may be repeated; one with `[value]` text or a switch; one without a switch. */
export type OptionValues<Options extends OptionDeclarations> = {
  readonly [Name in keyof Options]: Options[Name]['flags'] extends `${string}<${string}`
    ? Options[Name] extends { readonly repeatable: true }
      ? readonly string[] | undefined
      : string | undefined
    : Options[Name]['flags'] extends `${string}[${string}`
      ? string | true | undefined
      : boolean | undefined;
};

export interface CommandInput<Options extends OptionDeclarations> {
  readonly arguments: readonly (string | undefined)[];
  readonly options: OptionValues<Options>;
}

/** One command: its help and its work. The summary stands in `commands/table.ts`. */
export interface Command<Options extends OptionDeclarations = OptionDeclarations> {
  /** What it does, what it guarantees, what it leaves alone. */
  readonly description: string;
  /** Without the program's name. At least one. */
  readonly examples: readonly string[];
  readonly arguments: readonly { readonly name: string; readonly description: string }[];
  readonly options: Options;
  /** Resolves with the exit code; nothing means 0. Errors are thrown. */
  run(input: CommandInput<Options>, context: CommandContext): Promise<number | undefined>;
}

/** Lets TypeScript see the option names and kinds. */
export function defineCommand<const Options extends OptionDeclarations>(
  command: Command<Options>,
): Command {
  return command as unknown as Command;
}

/** What most commands take: the source; not needed when the configuration has only one. */
export const sourceArgument = {
  name: '[source]',
  description: 'name of the source; may be left out when there is only one',
} as const;
