# The joint models of a frame with gaps in an ordered category (y ~ z + o), and in one without order (y ~ z + k), by JAGS:
# no latent variables, the multinomial probit's probabilities by Gauss-Hermite quadrature.
# Run in this folder after make_categories.py: Rscript jags.R ordered; Rscript jags.R nominal   (write jags_*.csv; a few
# minutes). Debian: jags, r-cran-rjags, r-cran-coda
suppressMessages({library(rjags); library(parallel)})
options(digits = 17)
d <- read.csv("categories.csv")
hermite <- function(n) {  # of a standard normal: Golub and Welsch
  e <- eigen(diag(0, n) + rbind(cbind(0, diag(sqrt(seq_len(n - 1)))), 0) + t(rbind(cbind(0, diag(sqrt(seq_len(n - 1)))), 0)))
  list(at = e$values, weight = e$vectors[1, ]^2)
}
quad <- hermite(10)
outcome <- "
  for (l in 1:G) { u[l] ~ dnorm(0, pow(tau, -2)) }
  b[1] ~ dnorm(0, 0.01); b[2] ~ dnorm(0, 0.25)
  bx[1] <- 0
  for (j in 2:3) { bx[j] ~ dnorm(0, 0.25) }
  sigma ~ dexp(1); tau ~ dnorm(0, 1) T(0,)
"
models <- list(
  ordered = paste("model {
  for (i in 1:n) {
    y[i] ~ dnorm(b[1] + bx[x[i]] + b[2] * z[i] + u[g[i]], pow(sigma, -2))
    m[i] <- a[1] + a[2] * z[i] + v[g[i]]
    p[i, 1] <- phi(-m[i]); p[i, 2] <- phi(cut - m[i]) - phi(-m[i]); p[i, 3] <- 1 - phi(cut - m[i])
    x[i] ~ dcat(p[i, 1:3])
  }
  for (l in 1:G) { v[l] ~ dnorm(0, pow(taux, -2)) }
  a[1] ~ dnorm(0, pow(2.5, -2)); a[2] ~ dnorm(0, pow(1.5, -2)); cut ~ dexp(1); taux ~ dnorm(0, 1) T(0,)",
  outcome, "}"),
  nominal = paste("model {
  for (i in 1:n) {
    y[i] ~ dnorm(b[1] + bx[x[i]] + b[2] * z[i] + u[g[i]], pow(sigma, -2))
    for (j in 2:3) { m[i, j] <- a[j, 1] + a[j, 2] * z[i] + v[j, g[i]] }
    t[i, 1] <- sum(weight * phi(at - m[i, 2]) * phi(at - m[i, 3]))
    t[i, 2] <- sum(weight * phi(at + m[i, 2]) * phi(at + m[i, 2] - m[i, 3]))
    t[i, 3] <- sum(weight * phi(at + m[i, 3]) * phi(at + m[i, 3] - m[i, 2]))
    x[i] ~ dcat(t[i, 1:3])
  }
  for (l in 1:G) { for (j in 2:3) { v[j, l] ~ dnorm(0, pow(taux[j], -2)) } }
  for (j in 2:3) { a[j, 1] ~ dnorm(0, pow(2.5, -2)); a[j, 2] ~ dnorm(0, pow(1.5, -2)); taux[j] ~ dnorm(0, 1) T(0,) }",
  outcome, "}"))
which <- commandArgs(trailingOnly = TRUE)[1]
z <- (d$z - mean(d$z)) / sqrt(mean((d$z - mean(d$z))^2))
data <- list(n = nrow(d), G = max(d$g) + 1, y = d$y, z = z, x = (if (which == "ordered") d$o else d$k) + 1, g = d$g + 1)
if (which == "nominal") data <- c(data, list(at = quad$at, weight = quad$weight))
n_keep <- if (which == "ordered") 5000 else 1500
one <- function(chain) {
  m <- jags.model(textConnection(models[[which]]), data, n.chains = 1, n.adapt = 200, quiet = TRUE,
                  inits = list(.RNG.name = "base::Mersenne-Twister", .RNG.seed = chain))
  update(m, 200, progress.bar = "none")
  coda.samples(m, c("b", "bx", "sigma", "tau", "taux", "a", if (which == "ordered") "cut"), n_keep, progress.bar = "none")[[1]]
}
chains <- as.mcmc.list(mclapply(1:2, one, mc.cores = 2))
draws <- as.matrix(chains)
moving <- apply(draws, 2, sd) > 0
chains <- chains[, moving]
out <- data.frame(name = colnames(draws)[moving], mean = colMeans(draws)[moving], sd = apply(draws, 2, sd)[moving],
  ess = effectiveSize(chains), r_hat = gelman.diag(chains, multivariate = FALSE, autoburnin = FALSE)$psrf[, 1])
write.csv(out, paste0("jags_", which, ".csv"), row.names = FALSE)
writeLines(capture.output(sessionInfo()), "sessionInfo_jags.txt")
