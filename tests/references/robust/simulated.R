# The restricted likelihood ratio test of RLRsim and lme4's parametric bootstrap, on our own data.
#     Rscript tests/references/robust/simulated.R   (from the root; writes simulated.csv; 3 minutes)
suppressPackageStartupMessages({ library(lme4); library(RLRsim) })
here <- "tests/references/robust"
models <- list(
  few = list(file = file.path(here, "few.csv"), formula = y ~ x + w + (1 | g)),
  alone = list(file = file.path(here, "few.csv"), formula = y ~ 1 + (1 | g)),
  singular = list(file = "tests/references/mixed/data/singular.csv", formula = y ~ x + (1 | g))
)
rows <- list()
put <- function(model, quantity, term, value)
  rows[[length(rows) + 1]] <<- data.frame(model, quantity, term, value = format(value, digits = 10))
for (name in names(models)) {
  m <- lmer(models[[name]]$formula, read.csv(models[[name]]$file, stringsAsFactors = TRUE))
  set.seed(1)
  test <- exactRLRT(m, nsim = 1e6)
  put(name, "statistic", "", unname(test$statistic))
  put(name, "p_value", "", unname(test$p.value))
  if (name != "few") next
  limits <- suppressMessages(confint(m, method = "boot", nsim = 4000, seed = 1))
  for (i in seq_len(nrow(limits))) {
    put(name, "lower", rownames(limits)[i], limits[i, 1])
    put(name, "upper", rownames(limits)[i], limits[i, 2])
  }
}
write.csv(do.call(rbind, rows), file.path(here, "simulated.csv"), row.names = FALSE, quote = FALSE)
