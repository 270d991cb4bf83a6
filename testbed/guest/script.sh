#!/bin/sh
# What a guest does by default: enough to need a working CPU, memory, timer
# and interrupts, and little enough for an emulated host.
echo "minivmx-guest: $(nproc) CPUs"
sum=0
i=1
while [ $i -le 1000 ]; do
	sum=$((sum + i * i))
	i=$((i + 1))
done
echo "minivmx-guest: sum of squares $sum"
[ $sum -eq 333833500 ] || exit 1

dd if=/dev/zero bs=4096 count=64 2>/dev/null | md5sum | {
	read -r digest _
	echo "minivmx-guest: 256 KiB of zeros $digest"
}
sleep 0.05
cat /proc/interrupts
