/** A daily schedule whose slot is about twelve hours away: none comes while a test runs, at whatever time of the day. */
export const farSlot = (): string => `0 ${(new Date().getUTCHours() + 12) % 24} * * *`
