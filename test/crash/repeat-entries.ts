// Run by incident-kill.test.ts in a process of its own: enters into an incident until it is killed, and prints the text of each entry that
// was acknowledged.
import { openIncidents } from '../../src/incidents/index.ts';

const [stateFolder = '', id = '', name = ''] = process.argv.slice(2);
const incidents = openIncidents({ stateFolder, actor: 'anna', host: 'web-1' });
for (let number = 1; ; number++) {
  const text = `${name} ${number}`;
  await incidents.tell(id)({ event: 'x.y', text });
  process.stdout.write(`${text}\n`);
}
