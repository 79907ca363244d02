"""The server for user transmission devices (用户信息传输装置) that speak GB/T 26875.3 over TCP."""
