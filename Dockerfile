# The twin alone, as a test mail server:
# docs/how-to/use-the-twin-as-a-test-mail-server.md
FROM rust:1.95-slim-trixie AS build
WORKDIR /src
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
COPY crates crates
COPY xtask xtask
COPY scenarios scenarios
RUN cargo build --release --locked --package mailward \
 && strip target/release/mailward

FROM debian:trixie-slim
RUN useradd --system --uid 10001 --no-create-home mailward
COPY --from=build /src/target/release/mailward /usr/local/bin/mailward
COPY LICENSE-MIT LICENSE-APACHE /usr/share/doc/mailward/
USER 10001
EXPOSE 1025 1443 1587 1588 1993 1995 8025
HEALTHCHECK --interval=5s --timeout=5s --start-period=10s CMD ["mailward", "twin", "--probe"]
ENTRYPOINT ["mailward", "twin", "--json", "--listen", "0.0.0.0"]
CMD ["--limits", "off"]
