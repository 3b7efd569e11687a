import type { Style } from './style.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** Gives way when the terminal is too narrow. */
  readonly shrinks?: true;
}

/** Cells may have several lines. They are plain text; `paint` colours what is padded already. */
export type Row = readonly string[];
export type Paint = (text: string, column: number, row: number) => string;

const gap = '  ';
const minimum = 6;

/** Columns under their titles. On a terminal no line is longer than it is wide. */
export function textTable(
  columns: readonly Column[],
  rows: readonly Row[],
  style: Style,
  paint: Paint = (text) => text,
): string {
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...rows.map((row) => Math.max(...lines(row[at]).map(widthOf)))),
  );
  shrink(columns, widths, style.width);
  const print = (cells: Row, colour: (text: string, column: number) => string) =>
    columns
      .map((column, at) => {
        const width = widths[at] as number;
        const text = cut(cells[at] ?? '', width);
        const pad = ' '.repeat(Math.max(0, width - widthOf(text)));
        const isLast = at === columns.length - 1;
        const filled = column.align === 'right' ? pad + text : isLast ? text : text + pad;
        return filled.trim() === '' ? filled : colour(filled, at);
      })
      .join(gap)
      .trimEnd();
  const titles = print(
    columns.map(({ title }) => title),
    style.dim,
  );
  const body = rows.flatMap((row, number) => {
    const cells = row.map(lines);
    const height = Math.max(...cells.map((cell) => cell.length));
    return Array.from({ length: height }, (_, line) =>
      print(
        cells.map((cell) => cell[line] ?? ''),
        (text, column) => paint(text, column, number),
      ),
    );
  });
  return [titles, ...body].join('\n');
}

/** Narrows the widest of those that may shrink until all fit, or none can give way any more. */
function shrink(columns: readonly Column[], widths: number[], total: number): void {
  const tooMuch = () =>
    widths.reduce((sum, width) => sum + width, gap.length * (widths.length - 1)) - total;
  while (tooMuch() > 0) {
    const widest = widths
      .map((width, at) => ({ width, at }))
      .filter(({ width, at }) => columns[at]?.shrinks && width > minimum)
      .sort((a, b) => b.width - a.width)[0];
    if (!widest) return;
    widths[widest.at] = widest.width - 1;
  }
}

function lines(cell: string | undefined): string[] {
  return (cell ?? '').split('\n');
}

function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  // Of a path the end says more than the beginning.
  return text.startsWith('/')
    ? `…${[...text].slice(1 - width).join('')}`
    : `${[...text].slice(0, width - 1).join('')}…`;
}

function widthOf(text: string): number {
  return [...text].length;
}
