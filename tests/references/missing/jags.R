# The joint model of a frame with gaps in an ordered and an unordered category, by JAGS: no latent variables, the
# multinomial probit's probabilities by Gauss-Hermite quadrature.
# Run in this folder after make_categories.py: Rscript jags.R   (writes jags.csv). Debian: jags, r-cran-rjags, r-cran-coda
suppressMessages({library(rjags); library(parallel)})
options(digits = 17)
d <- read.csv("categories.csv")
hermite <- function(n) {  # of a standard normal: Golub and Welsch
  e <- eigen(diag(0, n) + rbind(cbind(0, diag(sqrt(seq_len(n - 1)))), 0) + t(rbind(cbind(0, diag(sqrt(seq_len(n - 1)))), 0)))
  list(at = e$values, weight = e$vectors[1, ]^2)
}
quad <- hermite(10)
model <- "model {
  for (i in 1:n) {
    y[i] ~ dnorm(b[1] + bo[o[i]] + bk[k[i]] + b[2] * z[i] + u[g[i]], pow(sigma, -2))
    mo[i] <- ao[1] + ao[2] * z[i] + vo[g[i]]
    po[i, 1] <- phi(-mo[i]); po[i, 2] <- phi(cut - mo[i]) - phi(-mo[i]); po[i, 3] <- 1 - phi(cut - mo[i])
    o[i] ~ dcat(po[i, 1:3])
    m[i, 1] <- 0
    for (j in 2:3) { m[i, j] <- ak[j, 1] + ak[j, 2] * z[i] + ao2[j, o[i]] + vk[j, g[i]] }
    for (q in 1:Q) {
      t[i, 1, q] <- weight[q] * phi(at[q] - m[i, 2]) * phi(at[q] - m[i, 3])
      t[i, 2, q] <- weight[q] * phi(at[q] + m[i, 2]) * phi(at[q] + m[i, 2] - m[i, 3])
      t[i, 3, q] <- weight[q] * phi(at[q] + m[i, 3]) * phi(at[q] + m[i, 3] - m[i, 2])
    }
    for (j in 1:3) { pk[i, j] <- sum(t[i, j, 1:Q]) }
    k[i] ~ dcat(pk[i, 1:3])
  }
  for (l in 1:G) {
    u[l] ~ dnorm(0, pow(tau, -2)); vo[l] ~ dnorm(0, pow(tauo, -2))
    vk[2, l] ~ dnorm(0, pow(tauk[2], -2)); vk[3, l] ~ dnorm(0, pow(tauk[3], -2))
  }
  b[1] ~ dnorm(0, 0.01); b[2] ~ dnorm(0, 0.25)
  bo[1] <- 0; bk[1] <- 0
  for (j in 2:3) { bo[j] ~ dnorm(0, 0.25); bk[j] ~ dnorm(0, 0.25) }
  sigma ~ dexp(1); tau ~ dnorm(0, 1) T(0,)
  ao[1] ~ dnorm(0, pow(2.5, -2)); ao[2] ~ dnorm(0, pow(1.5, -2)); cut ~ dexp(1); tauo ~ dnorm(0, 1) T(0,)
  for (j in 2:3) {
    ak[j, 1] ~ dnorm(0, pow(2.5, -2)); ak[j, 2] ~ dnorm(0, pow(1.5, -2)); tauk[j] ~ dnorm(0, 1) T(0,)
    ao2[j, 1] <- 0; ao2[j, 2] ~ dnorm(0, pow(1.5, -2)); ao2[j, 3] ~ dnorm(0, pow(1.5, -2))
  }
}"
z <- (d$z - mean(d$z)) / sqrt(mean((d$z - mean(d$z))^2))
data <- list(n = nrow(d), G = max(d$g) + 1, Q = 10, y = d$y, z = z, o = d$o + 1, k = d$k + 1, g = d$g + 1,
             at = quad$at, weight = quad$weight)
one <- function(chain) {
  m <- jags.model(textConnection(model), data, n.chains = 1, n.adapt = 300, quiet = TRUE,
                  inits = list(.RNG.name = "base::Mersenne-Twister", .RNG.seed = chain))
  update(m, 200, progress.bar = "none")
  coda.samples(m, c("b", "bo", "bk", "sigma", "tau", "cut", "tauo", "tauk", "ao", "ak", "ao2"), 2500, progress.bar = "none")[[1]]
}
chains <- as.mcmc.list(mclapply(1:2, one, mc.cores = 2))
draws <- as.matrix(chains)
moving <- apply(draws, 2, sd) > 0
chains <- chains[, moving]
out <- data.frame(name = colnames(draws)[moving], mean = colMeans(draws)[moving], sd = apply(draws, 2, sd)[moving],
  ess = effectiveSize(chains), r_hat = gelman.diag(chains, multivariate = FALSE, autoburnin = FALSE)$psrf[, 1])
write.csv(out, "jags.csv", row.names = FALSE)
writeLines(capture.output(sessionInfo()), "sessionInfo_jags.txt")
