import { LifeboatError } from '../../core/index.ts';
import { defineCommand } from '../command.ts';
import { assignIncident, closeIncident, enterNote, updateIncident } from '../incident/change.ts';
import { openDesk } from '../incident/incident-desk.ts';
import { incidentOptions } from '../incident/incident-options.ts';
import { listIncidents, showStatus, showTimeline, verifyIncident } from '../incident/look.ts';
import { openIncident } from '../incident/open.ts';

/** A command ends soon, whatever a repository does; what was not sent is sent by a later one. */
const sendWithinMs = 5000;

const actions = {
  open: openIncident,
  note: enterNote,
  status: showStatus,
  update: updateIncident,
  assign: assignIncident,
  close: closeIncident,
  list: listIncidents,
  show: showTimeline,
  verify: verifyIncident,
};

export const incident = defineCommand({
  description: `What is known of a loss while it is dealt with, and who did what when.

  open [TITLE]      a loss is suspected: asks for severity, kind of loss, sources; each has an option
  note TEXT         something was done or seen
  status [ID]       what it is, since when, who, what is next: one screen
  update [TEXT]     news: --status, --severity, --done ITEM of the checklist, --next-update 20m ...
  assign PERSON...  who works on it; --lead PERSON leads
  close [ID]        it is over: --summary
  list              those that are open; --all of them
  show [ID]         the whole timeline, and the checklist
  verify [ID]       was an entry changed, removed, reordered, or added by a stranger? here and in
                    every repository. Exit code 1: yes. 3: a repository could not be looked at.

Entries are signed and never changed. They are written to the state folder of this host first, which
is all that is needed; repositories get them when they can be reached. What other commands
of Lifeboat do while an incident is open enters it by itself. Passwords never do.`,
  examples: [
    'incident open',
    'incident open "orders are gone" --severity P1 --loss-type accidental-deletion --source database',
    'incident note "stopped the nightly import by hand"',
    'incident update "restore is running" --status recovering --next-update 20m',
    'incident status',
    'incident close --summary "DELETE without WHERE; all rows are back, nothing was lost"',
    'incident verify --json',
  ],
  arguments: [
    { name: '<action>', description: Object.keys(actions).join(', ') },
    { name: '[words...]', description: 'an incident, a person, or the text of a note' },
  ],
  options: incidentOptions,
  async run({ arguments: [action, ...given], options }, context) {
    if (!Object.hasOwn(actions, action ?? '')) {
      throw new LifeboatError('usage.invalid', `unknown action ${JSON.stringify(action)}`, {
        hint: `It is one of ${Object.keys(actions).join(', ')}.`,
      });
    }
    const words = given.filter((each) => each !== undefined);
    const { repository, offline } = options;
    await using desk = await openDesk(context, { repository, offline, sendWithinMs });
    return await actions[action as keyof typeof actions]({ desk, context, options, words });
  },
});
