"""The default driver: our own SIP transactions, dialogs, registrar and trunks on asyncio; aiosipua reads and writes."""
