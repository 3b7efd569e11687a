import { controlDataBytes } from '../../../sources/index.ts';
import { clusterDepthMax } from '../folder/holds-no-cluster.ts';

/** How the script says what went wrong; no program that it calls ends like this by itself. */
export const scriptExits = { inUse: 65, refused: 67, busy: 68 } as const;

/**
 * What is done where the data is, by a POSIX shell and the programs of busybox or coreutils: `sh -c SCRIPT lifeboat OPERATION FOLDER TOKEN
 * [ARGUMENT...]`. It is a fixed text; names come as arguments. The layout is that of a folder of this host: see `folder/layout.ts`.
 * Each operation is durable when it ends, may be repeated after a crash anywhere in it, and is told what to do by `TreeGround`.
 */
export const script = `set -u
export LC_ALL=C PATH="\${PATH:-/usr/sbin:/usr/bin:/sbin:/bin}"
unset CDPATH
umask 077
operation=$1 target=$2 token=$3
shift 3
newline='
'

refuse() { printf '%s\\n' "$1" >&2; exit ${scriptExits.refused}; }
must() { "$@" || { echo "it could not $1" >&2; exit 1; }; }
exists() { [ -e "$1" ] || [ -L "$1" ]; }
bring_to_disk() { sync -f "$1" 2>/dev/null || sync || exit 1; }

# Where the folder really is, also when it is not there: after half a swap.
links=0
while [ -L "$target" ] && [ ! -d "$target" ]; do
  links=$((links + 1)); [ $links -le 40 ] || refuse "$target is a circle of links"
  to=$(readlink "$target"; echo x); to=\${to%"$newline"x}
  case $to in /*) target=$to ;; *) target=\${target%/*}/$to ;; esac
done
if [ -d "$target" ]; then
  target=$(cd "$target" && pwd -P && echo x) || refuse "$target may not be entered"
  target=\${target%"$newline"x}
elif exists "$target"; then
  refuse "$target is no folder"
else
  parent=\${target%/*} name=\${target##*/}
  if [ -d "$parent/" ]; then
    parent=$(cd "$parent/" && pwd -P && echo x) || refuse "$parent may not be entered"
    parent=\${parent%"$newline"x}
    target=\${parent%/}/$name
  fi
fi
case $target in *"$newline"*) refuse 'the folder has a line end in its name' ;; esac

# proc(5), mountinfo: blanks and backslashes are octal there.
mounted=$(printf '%s\\n' "$target" | sed 's/\\\\/\\\\134/g; s/ /\\\\040/g; s/	/\\\\011/g')
is_mount() {
  [ "$target" = / ] && return 0
  while read -r _ _ _ _ point _; do [ "$point" = "$mounted" ] && return 0; done < /proc/self/mountinfo
  return 1
}
refuse_mounts() {
  while read -r _ _ _ _ point _; do
    case $point in "$mounted"/*) refuse "something is mounted within $target: $point" ;; esac
  done < /proc/self/mountinfo
}

# A data directory in a mount point: backups of PostgreSQL leave out what begins with pgsql_tmp.
find_home() {
  if [ -d "$target" ] && is_mount; then
    mode=entries
    if exists "$target/.lifeboat"; then home=$target/.lifeboat
    elif exists "$target/pgsql_tmp.lifeboat" || [ "\${1-}" = cluster ] || exists "$target/PG_VERSION"; then
      home=$target/pgsql_tmp.lifeboat
    else home=$target/.lifeboat
    fi
  else
    mode=whole home=\${target%/*}/.\${target##*/}.lifeboat
  fi
  exists "$home" || return 0
  if [ -L "$home" ] || [ ! -d "$home" ] || [ "$(stat -c %u "$home")" != "$(id -u)" ]; then
    refuse "$home is not a folder of this account"
  fi
}
case $operation in begin) find_home "$1" ;; *) find_home ;; esac
own=$home/$token

# What holds the folder of deliveries open is the only one that works there; it ends with this process.
if [ -d "$home" ] && command -v flock >/dev/null; then
  case $operation in
    look|machine|free|contents) ;;
    *) exec 9<"$home" && flock -w 60 9 || { echo 'another process works there' >&2; exit ${scriptExits.busy}; } ;;
  esac
fi

phase_of() {
  for each in "$1"/phase.*; do [ -e "$each" ] && { printf '%s' "\${each##*/phase.}"; return; }; done
}
mark() {
  former=$(phase_of "$own")
  [ "$former" = "$1" ] && return
  if [ -z "$former" ]; then : > "$own/phase.$1" || exit 1
  else must mv -f "$own/phase.$former" "$own/phase.$1"
  fi
  bring_to_disk "$own"
}
# Swaps that are open, one over the other: the link of this token, and the newest of all.
find_open() {
  mine= newest= top=0
  for each in "$home"/open "$home"/open.[1-9]*; do
    [ -L "$each" ] || continue
    case $each in */open) number=1 ;; *) number=\${each##*.} ;; esac
    to=$(readlink "$each"); to=\${to#token:}
    [ "$to" != "$token" ] || mine=$each
    [ "$number" -le "$top" ] || { top=$number newest=$to; }
  done
}
hold() {
  find_open
  if [ -n "$newest" ]; then
    [ "$newest" != "$token" ] || return 0
    [ -z "$mine" ] || refuse "what $newest brought lies over it"
    case $(phase_of "$home/$newest") in
      swapped|settling|settled) ;;
      *) refuse "the swap of $newest is half done there" ;;
    esac
  fi
  case $top in 0) link=open ;; *) link=open.$((top + 1)) ;; esac
  must ln -s "token:$token" "$home/$link"
}
release() { find_open; [ -z "$mine" ] || must rm -f "$mine"; bring_to_disk "$home"; }

# A server works in its data folder; where that may not be seen, its pid file is all there is.
refuse_running() {
  [ -d "$1" ] || return 0
  identity=$(stat -L -c %d:%i "$1")
  for process in /proc/[0-9]*; do
    read -r program 2>/dev/null < "$process/comm" || continue
    case $program in postgres*|postmaster*|edb-postgres*) ;; *) continue ;; esac
    place=$(stat -L -c %d:%i "$process/cwd" 2>/dev/null) || place=unseen
    if [ "$place" = unseen ]; then
      read -r pid 2>/dev/null < "$1/postmaster.pid" && [ "$process" = "/proc/$pid" ] && place=$identity
    fi
    [ "$place" != "$identity" ] || { echo "a server runs on $target (process \${process#/proc/})" >&2; exit ${scriptExits.inUse}; }
  done
}

# Where what was replaced lies, if anything was. What may not be looked into is kept all the same.
tell_former() {
  [ -d "$own/former" ] || return 0
  if [ -r "$own/former" ]; then
    kept=
    for each in "$own/former"/* "$own/former"/.[!.]* "$own/former"/..?*; do
      exists "$each" && { kept=yes; break; }
    done
    [ -n "$kept" ] || return 0
  fi
  echo "former $own/former"
}

spot() { case $1 in target) printf '%s' "$target" ;; *) printf '%s' "$own/$1" ;; esac; }
in_the_way() { refuse "something new lies at $1: it was written during the swap"; }

move_whole() {
  from=$(spot "$1") to=$(spot "$2")
  exists "$from" || return 0
  if exists "$to"; then
    if [ "$2" != target ]; then rmdir "$from" 2>/dev/null || in_the_way "$from"; return 0; fi
    rmdir "$to" 2>/dev/null || in_the_way "$to"
  fi
  must mv "$from" "$to" </dev/null
  bring_to_disk "$home"
  [ "$2" = target ] || ( refuse_running "$to" ) || { code=$?; mv "$to" "$from"; exit $code; }
}

copy_attributes() {
  must chown "$(stat -c %u:%g "$1")" "$2"
  must chmod "$(stat -c %a "$1")" "$2"
  must touch -r "$1" "$2"
}
move_entries() {
  case $1 in target) outside=$2 ;; *) outside=$1 ;; esac
  if [ "$1" = target ]; then
    if ! exists "$own/$outside.root"; then
      must mkdir -p "$own/$outside.root.part"
      copy_attributes "$target" "$own/$outside.root.part"
      must mv "$own/$outside.root.part" "$own/$outside.root"
    fi
    must mkdir -p "$own/$outside"
  elif ! exists "$own/$outside"; then return 0
  fi
  from=$(spot "$1") to=$(spot "$2")
  set --
  for each in "$from"/* "$from"/.[!.]* "$from"/..?*; do
    exists "$each" || continue
    name=\${each##*/}
    case $name in .lifeboat|pgsql_tmp.lifeboat|lost+found) continue ;; esac
    if exists "$to/$name"; then in_the_way "$to"; fi
    set -- "$@" "$each"
    if [ $# -ge 200 ]; then must mv "$@" "$to/" </dev/null; set --; fi
  done
  [ $# -eq 0 ] || must mv "$@" "$to/" </dev/null
  if [ "$to" = "$target" ] && exists "$own/$outside.root"; then
    copy_attributes "$own/$outside.root" "$target"
  fi
  bring_to_disk "$home"
  [ "$phase" != back-in ] || must rm -rf "$own/$outside.root"
}

# Each entry's name, its mode, owner and size, and the digest of its content.
check='
line="
"
echo "batch $#"
printf "%s\\0" "$@"
stat -c "%f %u %g %s" -- "$@" || exit 1
for each do
  shift
  if [ -f "$each" ] && [ ! -L "$each" ]; then
    case $each in
      *"$line"*|*\\\\*) sha256sum < "$each" || exit 1 ;;
      *) set -- "$@" "$each" ;;
    esac
  fi
done
[ $# -eq 0 ] || sha256sum -- "$@"
'
tar_kind() { case $(tar --version 2>/dev/null) in *GNU*) echo gnu ;; *) echo other ;; esac; }

case $operation in
  machine) printf 'machine %s\\n' "$(cat /etc/machine-id 2>/dev/null || uname -n)" ;;
  free)
    at=$target
    while [ ! -d "$at/" ]; do at=\${at%/*}; done
    free=$(df -kP "$at/" | tail -n 1 | sed 's/.* \\([0-9][0-9]*\\)  *[0-9][0-9]*% .*/\\1/') && echo "free $free"
    ;;
  contents)
    any=
    for each in "$target"/* "$target"/.[!.]* "$target"/..?*; do
      exists "$each" || continue
      case \${each##*/} in .lifeboat|pgsql_tmp.lifeboat|lost+found) ;; *) any=yes; break ;; esac
    done
    # What may not be read is not empty for that.
    [ -z "$any" ] && { [ ! -d "$target" ] || [ -r "$target" ]; } && echo 'empty yes'
    # No cluster for certain: all was read, and none lies there, nor in a folder of it, where a setting may name the folder around.
    if [ -n "$any" ] && ! exists "$target/PG_VERSION"; then
      found=$(cd "$target" && find . -maxdepth ${clusterDepthMax} \\( -name .lifeboat -o -name pgsql_tmp.lifeboat -o -name lost+found \\) -prune -o -name pg_control -print 2>/dev/null) && [ -z "$found" ] && echo 'cluster no'
    fi
    # Which cluster lies there. Whoever writes there may have put anything in its place: only a file is read, and little of it.
    control=$target/global/pg_control
    if [ -f "$control" ] && [ ! -L "$control" ]; then od -An -v -tx1 -N${controlDataBytes} "$control" | sed 's/^/control /'; fi
    ;;
  look)
    echo "mode $mode"
    [ -d "$own" ] && { phase=$(phase_of "$own"); echo "phase \${phase:-begun}"; exists "$own/new" && echo 'new yes'; }
    tell_former
    find_open
    [ -z "$newest" ] || { echo "open $newest"; echo "over $(phase_of "$home/$newest")"; }
    ;;
  begin)
    ( umask 022; must mkdir -p "\${home%/*}/" ) || exit 1
    must mkdir -p "$home" "$own"
    mark begun
    must rm -rf "$own/new" "$own/new.root"
    bring_to_disk "$home"
    echo "mode $mode"
    echo "tar $(tar_kind)"
    ;;
  receive)
    must mkdir "$own/new"
    # GNU tar would read backslashes in the name of a folder given to it.
    cd "$own/new" || exit 1
    case $(tar_kind) in
      gnu) tar -x -p --same-owner --numeric-owner --xattrs '--xattrs-include=*' --warning=no-timestamp -f - ;;
      # busybox leaves links to whoever unpacks them.
      *) tar -x -p -f - && { [ $# -eq 0 ] || find . -type l -exec chown -h "$1:$2" {} +; } ;;
    esac || { code=$?; cat >/dev/null; exit $code; }
    cat >/dev/null
    if [ "$mode" = entries ]; then
      must mkdir "$own/new.root"
      copy_attributes "$own/new" "$own/new.root"
    fi
    bring_to_disk "$own"
    find . -exec sh -c "$check" sh {} + || exit 1
    ;;
  mark) [ -d "$own" ] || refuse 'nothing of this delivery is there'; mark "$1" ;;
  move)
    phase=$1
    refuse_running "$target"
    refuse_mounts
    hold
    mark "$phase"
    if [ "$mode" = whole ]; then move_whole "$2" "$3"; else move_entries "$2" "$3"; fi
    tell_former
    ;;
  release) release ;;
  remove)
    [ "$1" = former ] || must rm -rf "$own/new" "$own/new.root"
    must rm -rf "$own/former" "$own/former.root"
    if [ "$1" = everything ]; then
      must rm -rf "$own"
      rmdir "$home" 2>/dev/null
      [ -d "$home" ] || home=\${home%/*}/
    fi
    bring_to_disk "$home"
    ;;
  *) refuse "there is no operation $operation" ;;
esac
exit 0
`;
