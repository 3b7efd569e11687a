/** How the script says that the folder is not there; no program that it calls ends like this by itself. */
export const copyScriptExits = { noFolder: 66 } as const;

/**
 * What a helper container does: `sh -c SCRIPT lifeboat OPERATION FOLDER`. `size` prints kilobytes, `read` writes a tar archive. GNU's tar
 * keeps fractions of seconds and extended attributes; that of busybox knows neither.
 */
export const copyScript = `set -u
export LC_ALL=C
cd "$2/" 2>/dev/null || { echo "there is no $2" >&2; exit ${copyScriptExits.noFolder}; }
case $(pwd -P)/ in /volume/*) ;; *) echo "$2 leads out of the volume" >&2; exit ${copyScriptExits.noFolder} ;; esac
case $1 in
  size) du -sk . ;;
  read)
    case $(tar --version 2>/dev/null) in
      *GNU*) exec tar -c --format=posix --xattrs '--xattrs-include=*' -f - . ;;
      *) exec tar -c -f - . ;;
    esac
    ;;
esac
`;
