import { styleText } from 'node:util';

/** How text may look. Every function returns its text unchanged where colours are not wanted. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
  /** Columns; Infinity when it is not a terminal. */
  readonly width: number;
}

/** Colours on a terminal only; NO_COLOR and TERM=dumb switch them off. */
export function createStyle(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv): Style {
  const wanted = stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb';
  const paint = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    wanted ? styleText(format, text, { validateStream: false }) : text;
  return {
    bold: paint('bold'),
    dim: paint('dim'),
    red: paint('red'),
    green: paint('green'),
    yellow: paint('yellow'),
    cyan: paint('cyan'),
    get width() {
      return stream.isTTY ? (stream.columns ?? 80) : Number.POSITIVE_INFINITY;
    },
  };
}
