/**
 * Paths, relative to the root of a volume, of block devices that belong to the engine. Podman makes `backingFsBlockDev` at the root of
 * a volume with a quota, and anew whenever it likes. Such a device is never captured, compared or removed; a file of that name is.
 */
export const engineDevices = ['backingFsBlockDev']
