/** Below the server's folder of WAL, so that what lies ready is handed over by a rename. */
export const readyFolderName = 'lifeboat-ready';

/** How the client says that there is no such file. No shell ends like this by itself. */
const absent = 40;

/** Answers of the resident process begin with one of these. */
export const answerCodes = { done: 0, refused: 1, absent, failed: 2 } as const;

export interface ClientPatience {
  /** Without a sign of life for so long the resident process is gone, for `archive_command`. It gives one each second. */
  readonly silentMaxMs: number;
  /** How long a recovery waits for one that is not there or gives none: a service that starts anew must not end it. */
  readonly awayMaxMs: number;
}

const usualPatience: ClientPatience = { silentMaxMs: 15_000, awayMaxMs: 30_000 };

/** What `archive_command` is set to. The server runs it in its data folder. */
export function archiveCommand(folder: string): string {
  return `/bin/sh ${quoted(`${folder}/client`)} put %f "%p"`;
}

/**
 * What `restore_command` is set to. A segment that lies ready costs one shell and one `mv`. Exit 1: there is no such file; 255: anything else,
 * also a client that is missing: the server then stops, and does not take it for the end of the log.
 */
export function restoreCommand(folder: string): string {
  return [
    `mv pg_wal/${readyFolderName}/%f "%p" 2>/dev/null && exit 0`,
    `/bin/sh ${quoted(`${folder}/client`)} get %f "%p"`,
    `case $? in 0) exit 0;; ${absent}) exit 1;; *) exit 255;; esac`,
  ].join('; ');
}

/**
 * A shell and what every system has, so that no segment waits for a program to start: leaves a request in a folder and looks for its answer.
 * What it says goes to the server's log.
 */
export function clientScript(folder: string, patience = usualPatience): string {
  return `#!/bin/sh
# Lifeboat's archive_command and restore_command; written by Lifeboat, changes are lost.
folder=${quoted(folder)}
op=$1 name=$2 path=$3
id=$op-$name-$$
# A process of that number may have been here before: an answer to it is none to us.
while [ -e "$folder/answers/$id" ] || [ -e "$folder/requests/$id" ]; do id=\${id}x; done
silentMaxMs=${patience.silentMaxMs}
[ "$op" = put ] || silentMaxMs=${patience.awayMaxMs}

say() { echo "lifeboat: $1" >&2; }
# A standby asks again; a recovery must not take silence for the end of the log.
give_up() {
  say "$1"
  [ "$op" = put ] && exit 1
  [ -e standby.signal ] && exit ${absent}
  exit 255
}

if [ "$op" = get ] && [ ! -d "pg_wal/${readyFolderName}" ]; then
  mkdir -m 700 "pg_wal/${readyFolderName}" || give_up "pg_wal cannot be written to"
fi
# archive_command is called again soon; recovery gives a service that starts anew some time.
tries=0
while [ ! -r "$folder/beat" ]; do
  [ "$op" = put ] && give_up "$name is not archived: lifeboat serve is not running"
  [ "$tries" -lt ${patience.awayMaxMs / 100} ] || give_up "$name cannot be fetched: lifeboat serve is not running"
  sleep 0.1 || give_up "interrupted"
  tries=$((tries + 1))
done
ask() {
  printf '%s\\n' 1 "$op" "$name" "$path" "$PWD" end > "$folder/requests/$id" ||
    give_up "$folder cannot be written to"
}
ask

last= silentMs=0 waits=0 pause=0.01 pauseMs=10
while [ ! -e "$folder/answers/$id" ]; do
  sleep "$pause" || give_up "interrupted"
  beat=gone
  read -r beat 2>/dev/null < "$folder/beat"
  if [ "$beat" = "$last" ]; then
    silentMs=$((silentMs + pauseMs))
  else
    last=$beat silentMs=0
  fi
  if [ "$silentMs" -ge "$silentMaxMs" ]; then
    rm -f "$folder/requests/$id"
    give_up "$name: lifeboat serve does not answer"
  fi
  waits=$((waits + 1))
  [ "$waits" -lt 300 ] || pause=0.1 pauseMs=100
  # A request that is old is that of a dead client; what is fetched may take long, and the next process must find it.
  [ "$op" = put ] || [ $((waits % 300)) -ne 0 ] || ask
done
code= text=
{ read -r code; read -r text; } < "$folder/answers/$id"
case $op-$code in
  put-${answerCodes.done}) exit 0 ;;
  get-${answerCodes.done})
    mv "pg_wal/${readyFolderName}/$text" "$path" && exit 0
    # A service that stopped just then took it away.
    [ "$4" = again ] || exec /bin/sh "$0" "$op" "$name" "$path" again
    give_up "$name was fetched and is not there"
    ;;
  get-${absent}) exit ${absent} ;;
esac
give_up "\${text:-the answer is not whole}"
`;
}

/** For a shell. Settings of the server, and what the configuration may name, have no line breaks in them. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
