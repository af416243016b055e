# An HTTPS client whose library encrypts in memory: asyncio. Usage: https_memory_bio.py PORT PATH.
import asyncio
import ssl
import sys


async def main():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection("127.0.0.1", int(sys.argv[1]), ssl=context)
    writer.write(f"GET {sys.argv[2]} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await reader.readuntil(b"hello world\n")
    writer.close()


asyncio.run(main())
