/** Whether only this machine, or this container, reaches the host. An IPv6 address comes without brackets. */
export const isLoopback = (host: string): boolean =>
  /^(?:localhost|::1|(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3})$/i.test(host)
