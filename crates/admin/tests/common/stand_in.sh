#!/bin/sh
# Stands in for the binary: takes its arguments, notes each start, says its last words, sleeps.
#   stand_in.sh node --config DIR/NAME.toml    stand_in.sh mount DIR POINT
# DIR/NAME.fails: it ends at once. DIR/NAME.stubborn: it does not listen to SIGTERM.
case $1 in
node) dir=${3%/*} name=${3##*/} name=${name%.toml} ;;
mount) dir=$2 name=mount ;;
esac
echo $$ >>"$dir/log/$name.starts"
if [ -e "$dir/$name.fails" ]; then
    echo "isobar: the device of $name is gone" >&2
    exit 1
fi
mkdir -p "$dir/$name" && echo rows >"$dir/$name/target"
if [ -e "$dir/$name.stubborn" ]; then
    trap '' TERM
else
    trap 'echo "isobar: asked to stop" >&2; exit 0' TERM
fi
: >"$dir/log/$name.serves"
while :; do sleep 0.02; done
