import { formatMoment } from '../moment.ts';
import { printable } from './printable.ts';

const moments = /\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?Z/g;

/** A sentence of a plan or run as a terminal may have it. */
export function prose(text: string): string {
  return printable(localMoments(text));
}

/** Plans and runs are kept for every host, so their moments are of UTC; here they are as everywhere on the screen. */
export function localMoments(text: string): string {
  return text.replace(moments, (moment) => {
    const time = new Date(moment);
    // Whatever else looks like one stays as it is.
    if (Number.isNaN(time.getTime())) return moment;
    return formatMoment(time, { ms: moment.includes('.') });
  });
}
