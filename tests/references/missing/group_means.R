# mice's 2l.pan once more, with group means of y and z beside them in the model of x: the conditional of x in a joint
# model of two-level regressions needs them (Grund, Luedtke & Robitzsch 2018). Run in this folder after fit.R:
# Rscript group_means.R FOLDER   (adds to pooled.csv; ten minutes). Debian: as fit.R.
suppressMessages({library(mice); library(lme4); library(broom.mixed)})
options(digits = 17)
folder <- commandArgs(trailingOnly = TRUE)[1]
name <- "2l.pan, group means"
for (data in c("exam", "hsb")) for (rule in c("mar", "mcar")) {
  d <- read.csv(file.path(folder, paste0(data, "_", rule, ".csv")))
  pred <- make.predictorMatrix(d); pred["x", ] <- c(school = -2, y = 3, x = 0, z = 3)
  meth <- make.method(d); meth[] <- ""; meth["x"] <- "2l.pan"
  imp <- mice(d, m = 200, maxit = 1, method = meth, predictorMatrix = pred, seed = 5, printFlag = FALSE)
  p <- pool(with(imp, suppressMessages(lmer(y ~ x + z + (1 | school)))))$pooled
  new <- data.frame(data, rule, method = name, term = as.character(p$term), m = p$m, estimate = p$estimate,
    ubar = p$ubar, b = p$b, t = p$t, df = p$df, fmi = p$fmi)
  old <- read.csv("pooled.csv")
  write.csv(rbind(old[!(old$data == data & old$rule == rule & old$method == name), ], new), "pooled.csv", row.names = FALSE)
}
